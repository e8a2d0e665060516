// SPDX-License-Identifier: BSD-3-Clause
//
// Where things are in an Ethernet frame: addresses, the transport header, the packet's end. For frames that
// were captured, which are mended here and put into words by the daemon; judging them is the packet core's
// business, and this walk shares nothing with its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "rules/ipv6.h"

namespace dishwall {

struct FrameParts {
    unsigned family = 0;              // 6, 4, or 0: neither, or not even its fixed header is there
    std::uint16_t ethertype = 0;      // behind a VLAN tag, if there is one
    Ipv6Address source, destination;  // IPv4 as ::ffff:a.b.c.d
    std::size_t ip = 0;               // where the IP header is
    std::size_t end = 0;     // where the packet ends by its own words, possibly behind the frame's end
    std::size_t l4 = 0;      // where the transport header is; 0: the walk did not get there
    std::uint8_t proto = 0;  // behind the extension chain, as far as it was walked
    bool fragment = false;   // has a fragment header and is not the whole datagram
    bool later = false;      // and not its beginning: there is no transport header at l4
};

[[nodiscard]] FrameParts parts_of(std::span<const std::uint8_t> frame);

[[nodiscard]] inline std::uint16_t read16(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace dishwall
