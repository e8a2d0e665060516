// SPDX-License-Identifier: BSD-3-Clause
//
// The frame of a packet set, with what varies left zero, and its checksum over the rest.
#pragma once

#include <cstdint>
#include <span>

#include "bench/live/site.h"
#include "bench/live/traffic.h"

namespace dishwall::bench {

// A hop's two ends: who sends the frame to whom, and the /64s (high words, host order) of the two sides.
struct Hop {
    Mac sender, receiver;
    std::uint64_t source_network, destination_network;
};

// What stands between the IPv6 header and the transport header. All but none make long frames.
enum class Extensions { none, three_headers, first_fragment, later_fragment };

// A packet set of one packet on a hop that comes from outside: peer and host are 0, ports are 0.
[[nodiscard]] dw_traffic inbound_traffic(bool udp, const Hop& hop, Extensions extensions = Extensions::none);

// Is the UDP or TCP checksum of a frame made from such a set right? (RFC 8200 8.1) A fragment has none that
// could be checked.
[[nodiscard]] bool checksum_is_right(const dw_traffic& set, std::span<const std::uint8_t> frame);

}  // namespace dishwall::bench
