// SPDX-License-Identifier: BSD-3-Clause
//
// A place for each element in lines of a few ways, so that a reader looks at two lines at the most: an
// element with hash h is in line dw_pick(h, lines) or dw_pick(dw_mix(h, 1), lines) (layout.h). The tables of
// services and of tuples are both of this kind. The first line is preferred: a reader that finds there what
// it wants does not touch the second.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace dishwall {

inline constexpr std::uint32_t kNobody = ~0u;

// Who sits in way w of line l: element number [l * ways + w], or kNobody. Empty when no place was found for
// one of the elements: then another hash or more lines will help, if not too many hashes are equal.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> seat(const std::vector<std::uint64_t>& hashes,
                                                             std::uint32_t lines, unsigned ways);

// So many lines hold `elements` when `load` of the ways are taken; one at the least.
[[nodiscard]] std::uint32_t lines_for(std::size_t elements, unsigned ways, double load);

}  // namespace dishwall
