// SPDX-License-Identifier: BSD-3-Clause
//
// Which rules can never match, since earlier rules take every packet that they would: one of them, or several
// together. The answer is exact (coverage.h), whatever prefixes, feeds and hosts may come.
#pragma once

#include <cstddef>
#include <vector>

#include "rules/address_set.h"
#include "rules/coverage.h"
#include "rules/policy.h"
#include "rules/rule_index.h"

namespace dishwall {

struct Shadowed {
    std::size_t rule = 0;
    std::vector<std::size_t> by;  // none of them can be left out; in order
};

// What stands above the rules of a chain.
class Shadows {
public:
    Shadows(const Policy& policy, Direction direction);

    // In the order of the rules. Says nothing rather than be wrong, or take longer than a second or two.
    [[nodiscard]] std::vector<Shadowed> find();

    // Rules before `end` that may take packets of the traffic.
    [[nodiscard]] std::vector<std::size_t> above(const Traffic& traffic, std::size_t end);
    // Those of them that together take all of the traffic, and are all needed for that; empty: something is
    // left, there is no such traffic, or it was too much work.
    [[nodiscard]] std::vector<std::size_t> covering(const Traffic& traffic,
                                                    const std::vector<std::size_t>& above);

private:
    [[nodiscard]] bool takes_all(const Traffic& traffic, const std::vector<std::size_t>& rules,
                                 std::vector<std::size_t>* used);

    PacketSpace space_;
    ChainShapes shapes_;
    RuleIndex index_;
    WorkBudget work_{10'000'000};
};

}  // namespace dishwall
