// SPDX-License-Identifier: BSD-3-Clause
//
// The general lines of a chain as the core finds them: which tuples have anything for a part of the packet
// (bit sets by hash, one table a kind of mask), and under which key of those tuples which rules stand.
//
// An entry has 32 bits of its key's hash. Two keys that are alike in these share one list: every candidate is
// verified whole, so a rule too many costs a look, and nothing has to be known of which lines the two fall
// into.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rules/image/rule_lists.h"
#include "rules/image/tuples.h"

namespace dishwall {

struct TupleIndex {
    std::vector<std::uint64_t> bits;  // the tables of all parts, one behind the other, whole lines each
    std::vector<dw_part> parts;       // lines counted from the first table's
    std::array<std::uint64_t, DW_DIMENSIONS> always{};
    std::vector<dw_entry> entries;  // DW_ENTRY_WAYS a line
    // Of all tuples, the dearest list of each: lines behind the entry's, rules.
    std::uint32_t worst_lines = 0;
    std::uint32_t worst_rules = 0;
};

// `rules` are those of lines.general, in its order.
[[nodiscard]] TupleIndex make_tuple_index(const ChainLines& lines, const TuplePlan& plan,
                                          const std::vector<dw_rule>& rules, const AddressSets& sets,
                                          RuleLists* lists);

}  // namespace dishwall
