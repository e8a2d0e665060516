// SPDX-License-Identifier: BSD-3-Clause
//
// Two policies that take turns, and the packets that tell them apart. Between them they differ in everything
// that a load replaces: the number of rules and where they stand, the address sets, the ranges of a feed, the
// names that counters go by. A packet that met rules of one with ranges of the other would be let in where
// both refuse it.
//
//                        by policy one             by policy two
//    port 0              `both` accepts            `both` accepts, behind 500 other rules
//    port 1, network 0   `one` accepts             no rule
//    port 1, network 1   is not in its feed        no rule               (a mixture: one's rule, two's feed)
//    port 2, network 0   no rule                   is not in its feed    (a mixture: two's rule, one's feed)
//    port 2, network 1   no rule                   `two` accepts
//    port 3              no rule                   `shut` drops
//    port 4, network 0   `again` accepts           no rule               (also flows, which are judged again)
//    other               no rule                   no rule
//
// Ports are counted from 8000; the two networks are the halves of the peers' /64.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/live/traffic.h"

namespace dishwall::bench {

enum class Allowed { by_both, by_one, by_two, by_none };

struct PacketKind {
    std::string_view name;
    Allowed allowed;
    std::string_view rule;  // that accepts it; empty: none does
};

// As sinks number them: network * DW_CLASS_PORTS + port.
[[nodiscard]] const PacketKind& kind_of_class(unsigned number);
[[nodiscard]] inline unsigned class_of(const dw_varying& packet) {
    return static_cast<unsigned>(packet.peer >> 63) * DW_CLASS_PORTS + packet.inside_port % DW_CLASS_PORTS;
}

// All classes in turn at random, each packet from a peer of its own.
[[nodiscard]] dw_traffic strangers();
// The packets of 64 flows to port 4.
[[nodiscard]] dw_traffic acquaintances();

// The rule file, number 1 or 2; it reads its feed beside it, "feed-1.txt" or "feed-2.txt".
[[nodiscard]] std::string policy_text(unsigned number);
[[nodiscard]] std::string feed_text(unsigned number);

}  // namespace dishwall::bench
