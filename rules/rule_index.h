// SPDX-License-Identifier: BSD-3-Clause
//
// Which rules of a long chain may share packets with some traffic, without asking each of them. A rule is
// remembered by what it lies within: its ports, and the addresses of either end. Ranges of keys stand at the
// longest common prefix of their ends, so those that may overlap one stand at the prefixes around it or
// inside of it. Of the three coordinates the one that leaves the fewest rules is taken.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "rules/address_set.h"
#include "rules/policy.h"
#include "rules/range_set.h"

namespace dishwall {

class RuleIndex {
public:
    // Without `audit` rules: they decide nothing.
    explicit RuleIndex(const Chain& chain);

    // Positions of the rules before `end` that may match a packet of the traffic, in order. Empty: the budget
    // ran out.
    [[nodiscard]] std::optional<std::vector<std::size_t>> sharing(const Traffic& traffic, std::size_t end,
                                                                  WorkBudget* budget) const;

private:
    // A range on one line of keys; line 0 is all of them.
    struct Hull {
        std::uint64_t line = 0;
        KeyRange range;
    };
    static constexpr std::size_t kCoordinates = 3;  // ports, from, to
    using Hulls = std::array<Hull, kCoordinates>;

    struct Spot {
        std::uint64_t line;
        Ipv6Address first;
        unsigned length;
        std::uint32_t rule;
        auto operator<=>(const Spot&) const = default;
    };
    struct Coordinate {
        std::vector<Spot> spots;         // sorted
        std::array<bool, 129> length{};  // is there one?
    };
    using Run = std::pair<std::size_t, std::size_t>;  // of spots

    [[nodiscard]] static Hulls hulls_of(const Traffic& traffic);
    [[nodiscard]] static Hull hull_of(const ProtocolMatches& match);
    [[nodiscard]] static Hull hull_of(const AddressSet& set);
    [[nodiscard]] static Spot spot_of(const Hull& hull, std::size_t rule);
    [[nodiscard]] static std::vector<Run> runs(const Coordinate& coordinate, const Hull& hull);
    [[nodiscard]] static bool may_share(const Hulls& a, const Hulls& b);

    std::vector<Hulls> hulls_;
    std::array<Coordinate, kCoordinates> coordinates_;
};

}  // namespace dishwall
