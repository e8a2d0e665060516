// SPDX-License-Identifier: BSD-3-Clause
//
// Most rules of a long file match something that no rule above them does: their port on their host is nobody
// else's. Working that out as sets of packets (shadow.h) costs microseconds a rule. A single packet is proof
// enough, and cheap: rules above are looked up for a witness of the rule (witness.h). When none matches it,
// the rule is reached. When one does, nothing is known, and the sets have to be asked.
//
// Rules are found by tuple space search. A rule stands in a hash table at the longest common prefixes of what
// it lies within: its protocol and ports, and the addresses of either end. The lengths together are its
// class, and a packet is looked up once in each class.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/address_set.h"
#include "rules/policy.h"
#include "rules/witness.h"

namespace dishwall {

class RulesAbove {
public:
    // The policy has to outlive this. At first no rule of the chain is above.
    RulesAbove(const Policy& policy, Direction direction);

    // From now on this rule, behind those that are above, is.
    void add(std::size_t rule);
    // Is there surely a packet of the traffic that no rule above takes?
    [[nodiscard]] bool leave_some_of(const Traffic& traffic);

private:
    // The first `length` bits of keys on a line; line 0 is all there is.
    struct Spot {
        std::uint8_t line = 0, length = 0;
        Ipv6Address first;
    };
    static constexpr std::size_t kCoordinates = 3;
    using Spots = std::array<Spot, kCoordinates>;
    struct Class {
        std::array<std::uint8_t, kCoordinates> lines{}, lengths{};
        std::array<Ipv6Address, kCoordinates> masks{};  // of the lengths
        bool is_used = false;                           // a rule above is in it
    };

    [[nodiscard]] bool takes(const Witness& packet);
    [[nodiscard]] std::size_t slot_of(std::uint32_t tag) const;
    [[nodiscard]] Spots spots_of(const Traffic& rule) const;
    [[nodiscard]] Spot spot_of(const AddressSet& set) const;
    [[nodiscard]] std::size_t class_of(Spots* spots);
    [[nodiscard]] static std::uint32_t tag_of(std::size_t number, const std::array<Ipv6Address, 3>& keys);
    [[nodiscard]] static std::size_t size_of(const Traffic& rule);

    const std::vector<Rule>& rules_;
    Witnesses witnesses_;
    std::vector<Class> classes_;
    // A hash table by tag: the last rule with it, counted from 1, or 0; and of each rule its tag, and the
    // rule before it that has the same.
    std::vector<std::uint32_t> slots_, tags_, earlier_;
    WorkBudget work_{4'000'000};  // a tenth of a second
};

}  // namespace dishwall
