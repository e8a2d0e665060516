// SPDX-License-Identifier: BSD-3-Clause
#include "rules/rules_above.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "rules/box.h"

namespace dishwall {
namespace {

constexpr unsigned kAttempts = 3;         // witnesses that are tried for one traffic
constexpr std::size_t kMostClasses = 64;  // rules of further ones are looked at for every packet
constexpr std::uint8_t kPorts = 1, kAddresses = 2, kPlaces = 3;  // lines of keys

std::uint64_t mix(std::uint64_t word) {
    word *= 0x9e3779b97f4a7c15ull;
    return word ^ (word >> 29);
}

unsigned common_length(const KeyRange& range) {
    const auto bits = [](std::uint64_t word) { return static_cast<unsigned>(std::countl_zero(word)); };
    const std::uint64_t hi = range.first.hi ^ range.last.hi, lo = range.first.lo ^ range.last.lo;
    return hi != 0 ? bits(hi) : 64 + bits(lo);
}

class Hull {
public:
    void add(const KeyRange& range) {
        if (!hull_) hull_ = range;
        hull_->first = std::min(hull_->first, range.first);
        hull_->last = std::max(hull_->last, range.last);
    }
    [[nodiscard]] const std::optional<KeyRange>& range() const { return hull_; }

private:
    std::optional<KeyRange> hull_;
};

// Protocol and port.
Ipv6Address lane_key(std::uint8_t proto, std::uint16_t port) {
    return {0, std::uint64_t{proto} << 16 | port};
}

// Empty: any protocol.
std::optional<KeyRange> lanes_of(const ProtocolMatches& matches) {
    Hull hull;
    for (const ProtocolMatch& match : matches) {
        if (!match.proto) return std::nullopt;
        const auto add = [&](std::uint16_t first, std::uint16_t last) {
            hull.add({lane_key(*match.proto, first), lane_key(*match.proto, last)});
        };
        if (match.ports.empty() && match.icmp_types.empty()) add(0, 65535);
        for (const PortRange& ports : match.ports) add(ports.first, ports.last);
        for (const std::uint8_t type : match.icmp_types) add(type, type);
    }
    return hull.range();
}

}  // namespace

RulesAbove::RulesAbove(const Policy& policy, Direction direction)
    : rules_(direction == Direction::inbound ? policy.inbound.rules : policy.outbound.rules),
      witnesses_(policy, direction),
      classes_(1),
      slots_(std::bit_ceil(2 * rules_.size() + 2)),
      tags_(rules_.size()),
      earlier_(rules_.size()) {}

void RulesAbove::add(std::size_t rule) {
    // These decide nothing, or leave what is over their rate.
    if (rules_[rule].verdict == DW_AUDIT || rules_[rule].rate) return;
    Spots spots = spots_of(rules_[rule]);
    const std::size_t number = class_of(&spots);
    classes_[number].is_used = true;
    const std::uint32_t tag = tag_of(number, {spots[0].first, spots[1].first, spots[2].first});
    std::uint32_t& last = slots_[slot_of(tag)];
    tags_[rule] = tag;
    earlier_[rule] = last;
    last = static_cast<std::uint32_t>(rule + 1);
}

bool RulesAbove::leave_some_of(const Traffic& traffic) {
    if (!work_.spend(size_of(traffic))) return false;
    for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
        const auto packet = witnesses_.of(traffic, attempt);
        if (packet && !takes(*packet)) return true;
    }
    return false;
}

// What matching it looks at.
std::size_t RulesAbove::size_of(const Traffic& rule) {
    std::size_t size = 1 + rule.from_ports.size() + rule.from.include.size() + rule.from.exclude.size() +
                       rule.to.include.size() + rule.to.exclude.size();
    for (const ProtocolMatch& match : rule.match) size += match.ports.size() + match.icmp_types.size();
    return size;
}

bool RulesAbove::takes(const Witness& packet) {
    const Ipv6Address lane = lane_key(packet.proto, packet.port);
    for (std::size_t number = 0; number < classes_.size(); ++number) {
        const Class& each = classes_[number];
        if (!each.is_used) continue;
        const auto key = [&](std::size_t i, const Ipv6Address& address, const Ipv6Address& place) {
            const Ipv6Address& whole = each.lines[i] == kPlaces ? place : address;
            return Ipv6Address{whole.hi & each.masks[i].hi, whole.lo & each.masks[i].lo};
        };
        const std::uint32_t tag =
            tag_of(number, {key(0, lane, lane), key(1, packet.from.address, packet.from.place),
                            key(2, packet.to.address, packet.to.place)});
        if (!work_.spend(1)) return true;
        for (std::uint32_t rule = slots_[slot_of(tag)]; rule != 0; rule = earlier_[rule - 1])
            if (!work_.spend(size_of(rules_[rule - 1])) || witnesses_.matches(rules_[rule - 1], packet))
                return true;
    }
    return false;
}

std::size_t RulesAbove::slot_of(std::uint32_t tag) const {
    std::size_t at = tag & (slots_.size() - 1);
    while (slots_[at] != 0 && tags_[slots_[at] - 1] != tag) at = (at + 1) & (slots_.size() - 1);
    return at;
}

// ---- where a rule stands

RulesAbove::Spots RulesAbove::spots_of(const Traffic& rule) const {
    Spots spots{{{}, spot_of(rule.from), spot_of(rule.to)}};
    if (const auto lanes = lanes_of(rule.match)) {
        // In steps of four: fewer classes.
        const unsigned length = common_length(*lanes) / 4 * 4;
        spots[0] = {kPorts, static_cast<std::uint8_t>(length),
                    Ipv6Prefix::containing(lanes->first, length).first()};
    }
    return spots;
}

RulesAbove::Spot RulesAbove::spot_of(const AddressSet& set) const {
    if (set.any) return {};
    Hull hull;
    bool is_place = false;
    for (const AddressElement& element : set.include) {
        const auto location = witnesses_.locate(element);
        if (!location || (hull.range() && location->is_place != is_place)) return {};
        is_place = location->is_place;
        hull.add(location->range);
    }
    if (!hull.range()) return {};
    const unsigned length = common_length(*hull.range()) / 16 * 16;
    return {is_place ? kPlaces : kAddresses, static_cast<std::uint8_t>(length),
            Ipv6Prefix::containing(hull.range()->first, length).first()};
}

// Class 0 is that of rules that may match anything.
std::size_t RulesAbove::class_of(Spots* spots) {
    Class wanted;
    for (std::size_t i = 0; i < kCoordinates; ++i) {
        wanted.lines[i] = (*spots)[i].line;
        wanted.lengths[i] = (*spots)[i].length;
    }
    const auto found = std::find_if(classes_.begin(), classes_.end(), [&](const Class& each) {
        return each.lines == wanted.lines && each.lengths == wanted.lengths;
    });
    if (found == classes_.end() && classes_.size() == kMostClasses) return *spots = {}, 0;
    if (found != classes_.end()) return static_cast<std::size_t>(found - classes_.begin());
    constexpr Ipv6Address kAllBits{~0ull, ~0ull};
    for (std::size_t i = 0; i < kCoordinates; ++i)
        if (wanted.lines[i] != 0)
            wanted.masks[i] = Ipv6Prefix::containing(kAllBits, wanted.lengths[i]).first();
    classes_.push_back(wanted);
    return classes_.size() - 1;
}

std::uint32_t RulesAbove::tag_of(std::size_t number, const std::array<Ipv6Address, 3>& keys) {
    std::uint64_t hash = number;
    for (const Ipv6Address& key : keys) hash = mix(mix(hash ^ key.hi) ^ key.lo);
    return static_cast<std::uint32_t>(hash >> 32);
}

}  // namespace dishwall
