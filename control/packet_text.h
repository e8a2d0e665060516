// SPDX-License-Identifier: BSD-3-Clause
//
// A packet in a line of text, as `explain` takes it:
//
//   in tcp [2001:db8:1::1]:40000 > [2001:db8:1100:1::10]:443 S
//   out udp [2001:db8:1100:1::20]:5000 > [2001:db8:9::1]:53
//   in icmpv6 echo-request 2001:db8:1::1 > 2001:db8:1100:1::10
//   in proto 50 2001:db8:1::1 > 2001:db8:1100:1::10
//
// TCP flags are letters (S A F R P U), S when there are none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rules/evaluate.h"
#include "rules/ipv6.h"
#include "rules/result.h"

namespace dishwall {

struct PacketSpec {
    Direction direction = Direction::inbound;
    std::uint8_t proto = 0;
    Ipv6Address source, destination;
    std::uint16_t source_port = 0, destination_port = 0;  // TCP, UDP, SCTP
    std::uint8_t icmp_type = 0;
    std::uint8_t tcp_flags = 0;  // as in the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32

    bool operator==(const PacketSpec&) const = default;
};

[[nodiscard]] Result<PacketSpec> parse_packet(std::string_view text);
// The same form again, with everything said.
[[nodiscard]] std::string to_string(const PacketSpec& packet);
// The question that the evaluator is asked about this packet.
[[nodiscard]] Query query_of(const PacketSpec& packet);

}  // namespace dishwall
