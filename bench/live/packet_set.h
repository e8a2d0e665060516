// SPDX-License-Identifier: BSD-3-Clause
//
// The traffic of the rows, as packet sets.
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

// A packet set on a hop that comes from outside: peer and host are 0, ports are 0, nothing varies yet.
[[nodiscard]] dw_traffic inbound_traffic(bool udp, const Hop& hop);

inline constexpr unsigned kFlows = 65536;

// Unpublished hosts of the LAN, 2^24 of them, random ports, peers from a /64: nothing of it is allowed.
[[nodiscard]] dw_traffic deny_sweep();
// The same by bare TCP SYN, as a scanner does it.
[[nodiscard]] dw_traffic deny_sweep_syn();
// Over the first `services` published services (a power of two), uniformly, a new peer with every packet:
// every packet opens a flow.
[[nodiscard]] dw_traffic accept_by_rule(unsigned services);
// Replies to the flows that `open_flows` made, uniform over kFlows. No rule would accept them.
[[nodiscard]] dw_traffic replies();
// The same replies, each once, in order: the check that all flows are there.
[[nodiscard]] dw_traffic replies_in_order();
// From 256 inside hosts to kFlows peers, each once.
[[nodiscard]] dw_traffic open_flows();

// Is the UDP or TCP checksum of a frame made from such a set right? (RFC 8200 8.1)
[[nodiscard]] bool checksum_is_right(std::span<const std::uint8_t, DW_FRAME_LENGTH> frame);

}  // namespace dishwall::bench
