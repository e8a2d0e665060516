// SPDX-License-Identifier: BSD-3-Clause
//
// One chain's tables: its services, its general lines with what leads to them, and what a search may cost.
#pragma once

#include <vector>

#include "rules/image/facts.h"
#include "rules/image/rule_lines.h"

namespace dishwall {

struct ChainTables {
    dw_chain header{};  // spans have their counts; the image adds where they stand
    std::vector<std::uint64_t> bloom;
    std::vector<dw_service> services;
    // First those that are walked or found through tuples (header.rules.count), then those that are reached
    // by the list of a service only.
    std::vector<dw_rule> rules;
    std::vector<dw_tuple> tuples;
    std::vector<std::uint64_t> part_bits;
    std::vector<dw_part> parts;  // lines counted from the first of part_bits
    std::vector<dw_entry> entries;
    std::vector<std::uint32_t> lists;
    ChainFacts facts;
};

// `names`: that an address of our end may have, at the most: its place, and learnt hosts.
[[nodiscard]] Result<ChainTables> make_chain(const Chain& chain, const ChainLines& lines, std::uint32_t names,
                                             AddressSets* sets);

}  // namespace dishwall
