// SPDX-License-Identifier: BSD-3-Clause
//
// Rule sets that look like those of real filters, and packets that hit them: a policy of exact services alone
// would flatter a table of exact services. The method is ClassBench's (Taylor and Turner, IEEE/ACM
// Transactions on Networking 15(3), 2007): three shapes, each a distribution of prefix lengths on both sides,
// of port classes (any, high, low, other range, exact) and protocols, with nested sources; packets are drawn
// from the rules. The code and the shares are ours, carried over to inbound IPv6: destinations are hosts and
// networks behind the line, an IPv4 source /n becomes a /2n. The shares stand in shape.cc. Same kind, same
// size: same rules, always.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/live/traffic.h"
#include "rules/ipv6.h"

namespace dishwall::bench {

// acl: many exact services of hosts, sources often given. fw: wide on both sides, ranges of ports. ipc:
// between.
enum class ShapeKind { acl, fw, ipc };

struct PortRange {
    std::uint16_t first = 0, last = 0xffff;

    [[nodiscard]] bool any() const { return first == 0 && last == 0xffff; }
    [[nodiscard]] bool contains(std::uint16_t port) const { return first <= port && port <= last; }
    auto operator<=>(const PortRange&) const = default;
};

struct ShapeRule {
    Ipv6Prefix from;         // ::/0: any
    Ipv6Prefix to;           // a host (/128), a network (/64) or ::/0
    std::uint8_t proto = 0;  // TCP, UDP, or 0: any
    PortRange from_ports, ports;
    bool accept = true;

    auto operator<=>(const ShapeRule&) const = default;
};

struct Shape {
    std::string name;                // "acl", ...
    std::vector<ShapeRule> numbers;  // the rules, the most specific first
    std::string rules;               // as a rule file
    std::vector<dw_listed> packets;  // DW_LISTED of them, each drawn from one rule
    std::vector<bool> accepted;      // by the first rule that matches it, found one by one
};

[[nodiscard]] Shape make_shape(ShapeKind kind, unsigned rules);

}  // namespace dishwall::bench
