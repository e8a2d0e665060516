// SPDX-License-Identifier: BSD-3-Clause
//
// A packet of some traffic, made up: a witness that it is not empty. It is given by the coordinates that
// boxes have (box.h), and is one that PacketSpace has of all times. Where nothing is said of a coordinate it
// is chosen at random, so that few rules that are narrower match it by accident.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "rules/policy.h"
#include "rules/range_set.h"

namespace dishwall {

struct Witness {
    struct Where {
        Ipv6Address address, place;  // place_key, or kNowhere
        bool self = false;
        std::uint32_t learnt = 0;      // the host that it is; 0: none
        std::optional<unsigned> feed;  // the one that it is in
    };
    std::uint8_t proto = 0;
    std::uint16_t port = 0, sender_port = 0;
    Where from, to;
};

class Witnesses {
public:
    // The policy has to outlive this.
    Witnesses(const Policy& policy, Direction direction);

    // Each attempt gives another packet, of other elements of the traffic's lists. Empty: none was found.
    [[nodiscard]] std::optional<Witness> of(const Traffic& traffic, unsigned attempt);
    // Does the rule match the packet?
    [[nodiscard]] bool matches(const Traffic& rule, const Witness& packet) const;

    // Where an element lies: literal addresses, or places behind a prefix that is not known. Empty: it is no
    // such element, or there is no such address.
    struct Location {
        bool is_place = false;
        KeyRange range;
    };
    [[nodiscard]] std::optional<Location> locate(const AddressElement& element) const;

private:
    [[nodiscard]] std::optional<Location> locate(const Behind& behind) const;
    void choose_lane(const Traffic& traffic, unsigned attempt, Witness* made);
    [[nodiscard]] bool choose_end(const AddressSet& set, bool is_local, unsigned attempt,
                                  Witness::Where* made);
    void settle(const std::optional<Location>& wanted, Witness::Where* made);
    [[nodiscard]] bool matches(const AddressSet& set, const Witness::Where& where) const;
    [[nodiscard]] bool matches(const AddressElement& element, const Witness::Where& where) const;
    [[nodiscard]] std::uint64_t random();
    [[nodiscard]] Ipv6Address within(const KeyRange& range);

    bool inbound_;
    bool local_is_known_;  // to lie in ours_, or to be this box
    bool usable_ = true;
    std::vector<std::optional<Ipv6Prefix>> known_;  // static prefixes, by source
    RangeSet our_places_, our_addresses_;
    std::uint64_t random_ = 0x9e3779b97f4a7c15ull;
};

}  // namespace dishwall
