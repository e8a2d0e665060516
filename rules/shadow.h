// SPDX-License-Identifier: BSD-3-Clause
//
// Which rules can never match, since earlier rules take every packet that they would: one of them, or several
// together. The answer is exact (coverage.h), whatever prefixes, feeds and hosts may come; but of the rules above
// one only those are asked that may share packets with it. Those are found by what rules lie within: their ports,
// and the addresses of either end.
#pragma once

#include <cstddef>
#include <vector>

#include "rules/address_set.h"
#include "rules/coverage.h"
#include "rules/policy.h"

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

    // Earlier rules than `rule` that may take packets from it.
    [[nodiscard]] std::vector<std::size_t> above(std::size_t rule);
    // Those of them that together take all of the traffic, and are all needed for that; empty: something is left,
    // there is no such traffic, or it was too much work.
    [[nodiscard]] std::vector<std::size_t> covering(const Traffic& traffic, const std::vector<std::size_t>& above);

private:
    // What a rule lies within, on one line of keys for each of its coordinates; `axis` 0 is all.
    struct Hull {
        std::uint64_t axis = 0;
        KeyRange range;
    };
    static constexpr std::size_t kCoordinates = 3;  // ports, from, to
    using Hulls = std::array<Hull, kCoordinates>;

    // Rules by their hulls in one coordinate. A range stands at the longest prefix of keys that holds it, so those
    // that may overlap one stand at the prefixes around it, and at those inside.
    struct Spot {
        std::uint64_t axis;
        Ipv6Address first;
        unsigned length;
        std::uint32_t rule;
        auto operator<=>(const Spot&) const = default;
    };
    struct Index {
        std::vector<Spot> spots;       // sorted
        std::array<bool, 129> length{};  // is there one?
    };
    using Run = std::pair<std::size_t, std::size_t>;  // of spots

    [[nodiscard]] Hulls hulls_of(const Traffic& traffic) const;
    [[nodiscard]] static Hull hull_of(const Traffic& traffic);
    [[nodiscard]] static Hull hull_of(const AddressSet& set);
    [[nodiscard]] static Spot spot_of(const Hull& hull, std::size_t rule);
    [[nodiscard]] static std::vector<Run> runs(const Index& index, const Hull& hull);
    [[nodiscard]] static bool may_share(const Hulls& a, const Hulls& b);
    void fill_indices();
    [[nodiscard]] bool takes_all(const Traffic& traffic, const std::vector<std::size_t>& rules,
                                 std::vector<std::size_t>* used);

    PacketSpace space_;
    ChainShapes shapes_;
    std::vector<Hulls> hulls_;
    std::array<Index, kCoordinates> indices_;
    WorkBudget looks_{30'000'000};
    WorkBudget work_{10'000'000};
};

}  // namespace dishwall
