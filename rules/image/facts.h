// SPDX-License-Identifier: BSD-3-Clause
//
// What a compiled image costs, as numbers: how much memory, and how far a packet may have to go in it. The
// cost of a verdict is thereby a checked property of a policy, shown by `dishctl status` and `check`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dishwall {

struct ChainFacts {
    std::size_t services = 0;  // keys in the table of services
    std::size_t rule_lines =
        0;                   // lines of rules that are walked, found through tuples, or in a service's list
    std::size_t tuples = 0;  // 0: the lines of rules are walked one by one
    std::size_t longest_list = 0;  // rules under one key
    std::uint32_t worst_lines =
        0;  // of the image, that one search may touch one after the other, at the most
    std::uint32_t worst_rules = 0;  // candidates that one search may have to verify, at the most
    std::size_t bytes = 0;          // of this chain's tables
};

// One search: each audit rule that matches, and each rule that matches but for its rate, asks for one more.
struct ImageFacts {
    ChainFacts inbound;
    ChainFacts outbound;
    std::size_t sets = 0;           // different address sets
    std::size_t prefixes = 0;       // in their trees, those of feeds included
    std::size_t address_bytes = 0;  // of sets and trees
    std::size_t bytes = 0;          // of the whole image
};

}  // namespace dishwall
