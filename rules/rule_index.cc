// SPDX-License-Identifier: BSD-3-Clause
#include "rules/rule_index.h"

#include <algorithm>
#include <bit>

#include "rules/box.h"

namespace dishwall {
namespace {

constexpr std::uint64_t kPorts = 1, kAddresses = 2, kPlaces = 3;  // lines of keys

void widen(KeyRange* range, const KeyRange& by, bool first) {
    range->first = first ? by.first : std::min(range->first, by.first);
    range->last = first ? by.last : std::max(range->last, by.last);
}

unsigned common_length(const KeyRange& range) {
    const auto bits = [](std::uint64_t word) { return static_cast<unsigned>(std::countl_zero(word)); };
    const std::uint64_t hi = range.first.hi ^ range.last.hi, lo = range.first.lo ^ range.last.lo;
    return hi != 0 ? bits(hi) : 64 + bits(lo);
}

}  // namespace

RuleIndex::RuleIndex(const Chain& chain) {
    for (const Rule& rule : chain.rules) hulls_.push_back(hulls_of(rule));
    for (std::size_t i = 0; i < kCoordinates; ++i) {
        Coordinate& coordinate = coordinates_[i];
        for (std::size_t rule = 0; rule < hulls_.size(); ++rule) {
            if (chain.rules[rule].verdict == DW_AUDIT) continue;
            coordinate.spots.push_back(spot_of(hulls_[rule][i], rule));
            coordinate.length[coordinate.spots.back().length] = true;
        }
        std::sort(coordinate.spots.begin(), coordinate.spots.end());
    }
}

// ---- what a rule lies within

RuleIndex::Hulls RuleIndex::hulls_of(const Traffic& traffic) {
    return {hull_of(traffic.match), hull_of(traffic.from), hull_of(traffic.to)};
}

// Protocol and port as one number.
RuleIndex::Hull RuleIndex::hull_of(const ProtocolMatches& matches) {
    Hull hull{kPorts, {}};
    bool first = true;
    for (const ProtocolMatch& match : matches) {
        if (!match.proto) return {};
        const std::uint64_t lane = std::uint64_t{*match.proto} << 16;
        if (match.ports.empty() && match.icmp_types.empty())
            widen(&hull.range, {{0, lane}, {0, lane | 0xffff}}, std::exchange(first, false));
        for (const PortRange& ports : match.ports)
            widen(&hull.range, {{0, lane | ports.first}, {0, lane | ports.last}},
                  std::exchange(first, false));
        for (const std::uint8_t type : match.icmp_types)
            widen(&hull.range, {{0, lane | type}, {0, lane | type}}, std::exchange(first, false));
    }
    return hull;
}

// Addresses that are compared by one coordinate lie within a range of it; others may share any.
RuleIndex::Hull RuleIndex::hull_of(const AddressSet& set) {
    if (set.any || set.include.empty()) return {};
    Hull hull;
    for (const AddressElement& element : set.include) {
        const bool first = hull.line == 0;
        if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) {
            if (!first && hull.line != kAddresses) return {};
            hull.line = kAddresses;
            widen(&hull.range, {prefix->first(), prefix->last()}, first);
        } else if (const auto* place = std::get_if<Behind>(&element)) {
            if (!first && hull.line != kPlaces) return {};
            hull.line = kPlaces;
            widen(&hull.range,
                  {place_key(place->source, place->subnet.value_or(0), place->interface_id.value_or(0)),
                   place_key(place->source, place->subnet.value_or(0xffff),
                             place->interface_id.value_or(~0ull))},
                  first);
        } else {
            return {};
        }
    }
    return hull;
}

bool RuleIndex::may_share(const Hulls& a, const Hulls& b) {
    for (std::size_t i = 0; i < kCoordinates; ++i)
        if (a[i].line != 0 && a[i].line == b[i].line &&
            (a[i].range.last < b[i].range.first || b[i].range.last < a[i].range.first))
            return false;
    return true;
}

RuleIndex::Spot RuleIndex::spot_of(const Hull& hull, std::size_t rule) {
    if (hull.line == 0) return {0, {}, 0, static_cast<std::uint32_t>(rule)};
    const unsigned length = common_length(hull.range);
    return {hull.line, Ipv6Prefix::containing(hull.range.first, length).first(), length,
            static_cast<std::uint32_t>(rule)};
}

std::vector<RuleIndex::Run> RuleIndex::runs(const Coordinate& coordinate, const Hull& hull) {
    const auto& spots = coordinate.spots;
    const auto before = [&](const Spot& spot) {
        return static_cast<std::size_t>(std::lower_bound(spots.begin(), spots.end(), spot) - spots.begin());
    };
    if (hull.line == 0) return {{0, spots.size()}};
    const Spot own = spot_of(hull, 0);
    // Of other lines all: these cannot be told apart by their keys.
    std::vector<Run> found = {{0, before({hull.line, {}, 0, 0})},
                              {before({hull.line + 1, {}, 0, 0}), spots.size()}};
    for (unsigned length = 0; length < own.length; ++length) {
        if (!coordinate.length[length]) continue;
        const Ipv6Address first = Ipv6Prefix::containing(own.first, length).first();
        found.emplace_back(before({hull.line, first, length, 0}), before({hull.line, first, length + 1, 0}));
    }
    const Ipv6Address last = Ipv6Prefix::containing(own.first, own.length).last();
    found.emplace_back(before({hull.line, own.first, own.length, 0}), before({hull.line, last, 129, 0}));
    return found;
}

std::optional<std::vector<std::size_t>> RuleIndex::sharing(const Traffic& traffic, std::size_t end,
                                                           WorkBudget* budget) const {
    const Hulls wanted = hulls_of(traffic);
    const Coordinate* best = nullptr;
    std::vector<Run> best_runs;
    std::size_t least = 0;
    for (std::size_t i = 0; i < kCoordinates; ++i) {
        std::vector<Run> found = runs(coordinates_[i], wanted[i]);
        std::size_t count = 0;
        for (const auto& [first, last] : found) count += last - first;
        if (best && count >= least) continue;
        best = &coordinates_[i];
        best_runs = std::move(found);
        least = count;
    }
    if (!budget->spend(1 + least / 4)) return std::nullopt;
    std::vector<std::size_t> rules;
    for (const auto& [first, last] : best_runs)
        for (std::size_t at = first; at < last; ++at) {
            const std::size_t rule = best->spots[at].rule;
            if (rule < end && may_share(hulls_[rule], wanted)) rules.push_back(rule);
        }
    std::sort(rules.begin(), rules.end());
    return rules;
}

}  // namespace dishwall
