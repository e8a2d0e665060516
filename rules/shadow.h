// SPDX-License-Identifier: BSD-3-Clause
//
// Which rules can never match, since one earlier rule takes every packet that they would? Asking that of
// each pair of rules is too slow for long files, so rules are looked up by the addresses they name: a rule
// that covers another one must name, for the other's first address at either end, that address or one
// around it, and its ports lie around the other's.
#pragma once

#include <cstddef>
#include <vector>

#include "rules/policy.h"

namespace dishwall {

struct Shadowed {
    std::size_t rule;
    std::size_t by;  // the first that covers it
};

// In the order of the rules. Says nothing rather than be wrong: where it cannot be known whether an address
// is in a delegation, and behind a fixed number of comparisons (hundreds of millions).
[[nodiscard]] std::vector<Shadowed> find_shadowed(const std::vector<Rule>& rules);

}  // namespace dishwall
