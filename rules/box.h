// SPDX-License-Identifier: BSD-3-Clause
//
// Sets of packets that can be reckoned with. What rules look at are coordinates of a packet: its protocol,
// its ports, and of the address at either end what it is, where it lies behind the line, whether it is this
// box's, which learnt hosts' and which feeds'. A Box gives each coordinate a set of values of its own; a rule
// is a few boxes, and a box without a box is one box a coordinate at most. So "what is left when these rules
// have taken theirs?" has an exact answer.
//
// The values of every coordinate are keys of a RangeSet. Coordinates that a box does not speak of are free.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "rules/range_set.h"

namespace dishwall {

enum class End : std::uint8_t { from, to };  // of a packet: its sender, its receiver

struct Axis {
    enum class Kind : std::uint8_t {
        proto,
        port,  // the receiver's; the type for ICMPv6
        sender_port,
        address,
        place,   // see place_key
        self,    // and below: 0 no, 1 yes
        device,  // learnt hosts by `mac`, `name`: `number` is its id
        domain,
        feed,  // `number` is its index
    };
    Kind kind = Kind::proto;
    End end = End::from;
    std::uint32_t number = 0;

    auto operator<=>(const Axis&) const = default;
};

// (source, subnet, interface id) of an address behind the line; others are nowhere.
[[nodiscard]] Ipv6Address place_key(unsigned source, std::uint16_t subnet, std::uint64_t interface_id);
inline constexpr Ipv6Address kNowhere{~0ull, ~0ull};

using Values = std::shared_ptr<const RangeSet>;
[[nodiscard]] Values values_of(std::vector<KeyRange> ranges);
[[nodiscard]] const Values& yes();
[[nodiscard]] const Values& no();

class Box {
public:
    // Learnt hosts that an end may be when the box does not say: any; no domain; none at all.
    enum class Learnt : std::uint8_t { any, devices, none };

    // Null: free.
    [[nodiscard]] const Values* find(const Axis& axis) const;
    // What the axis can be in this box.
    [[nodiscard]] const RangeSet& values(const Axis& axis) const;
    void set(const Axis& axis, Values values);
    void set_learnt(End end, Learnt learnt) { learnt_[static_cast<unsigned>(end)] = learnt; }

    // False, and the box is unspecified: they share no packet.
    [[nodiscard]] bool narrow(const Box& to);
    [[nodiscard]] bool meets(const Box& other) const;
    // Adds what is left of this box without `hole`, which it meets, in boxes that share nothing. Returns how
    // many ranges were looked at.
    std::size_t cut(const Box& hole, std::vector<Box>* left) const;

    using Entry = std::pair<Axis, Values>;
    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

private:
    std::vector<Entry> entries_;  // sorted by axis
    std::array<Learnt, 2> learnt_{Learnt::any, Learnt::any};
};

}  // namespace dishwall
