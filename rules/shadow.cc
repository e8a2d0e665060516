// SPDX-License-Identifier: BSD-3-Clause
#include "rules/shadow.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <set>

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

Shadows::Shadows(const Policy& policy, Direction direction)
    : space_(policy, direction, PacketSpace::View::all_times), shapes_(space_) {
    for (const Rule& rule : shapes_.chain().rules) hulls_.push_back(hulls_of(rule));
    fill_indices();
}

// ---- what may share packets

Shadows::Hulls Shadows::hulls_of(const Traffic& traffic) const {
    return {hull_of(traffic), hull_of(traffic.from), hull_of(traffic.to)};
}

// Protocol and port as one number.
Shadows::Hull Shadows::hull_of(const Traffic& traffic) {
    Hull hull{kPorts, {}};
    bool first = true;
    for (const ProtocolMatch& match : traffic.match) {
        if (!match.proto) return {};
        const std::uint64_t lane = std::uint64_t{*match.proto} << 16;
        if (match.ports.empty() && match.icmp_types.empty())
            widen(&hull.range, {{0, lane}, {0, lane | 0xffff}}, std::exchange(first, false));
        for (const PortRange& ports : match.ports)
            widen(&hull.range, {{0, lane | ports.first}, {0, lane | ports.last}}, std::exchange(first, false));
        for (const std::uint8_t type : match.icmp_types)
            widen(&hull.range, {{0, lane | type}, {0, lane | type}}, std::exchange(first, false));
    }
    return hull;
}

// Addresses that are compared by one coordinate lie within a range of it; others may share any.
Shadows::Hull Shadows::hull_of(const AddressSet& set) {
    if (set.any || set.include.empty()) return {};
    Hull hull;
    for (const AddressElement& element : set.include) {
        const bool first = hull.axis == 0;
        if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) {
            if (!first && hull.axis != kAddresses) return {};
            hull.axis = kAddresses;
            widen(&hull.range, {prefix->first(), prefix->last()}, first);
        } else if (const auto* place = std::get_if<Behind>(&element)) {
            if (!first && hull.axis != kPlaces) return {};
            hull.axis = kPlaces;
            widen(&hull.range,
                  {place_key(place->source, place->subnet.value_or(0), place->interface_id.value_or(0)),
                   place_key(place->source, place->subnet.value_or(0xffff), place->interface_id.value_or(~0ull))},
                  first);
        } else {
            return {};
        }
    }
    return hull;
}

bool Shadows::may_share(const Hulls& a, const Hulls& b) {
    for (std::size_t i = 0; i < kCoordinates; ++i)
        if (a[i].axis != 0 && a[i].axis == b[i].axis &&
            (a[i].range.last < b[i].range.first || b[i].range.last < a[i].range.first))
            return false;
    return true;
}

Shadows::Spot Shadows::spot_of(const Hull& hull, std::size_t rule) {
    if (hull.axis == 0) return {0, {}, 0, static_cast<std::uint32_t>(rule)};
    const unsigned length = common_length(hull.range);
    return {hull.axis, Ipv6Prefix::containing(hull.range.first, length).first(), length,
            static_cast<std::uint32_t>(rule)};
}

// Only rules that take every packet they match.
void Shadows::fill_indices() {
    for (std::size_t i = 0; i < kCoordinates; ++i) {
        Index& index = indices_[i];
        for (std::size_t rule = 0; rule < hulls_.size(); ++rule) {
            const Rule& each = shapes_.chain().rules[rule];
            if (each.verdict == DW_AUDIT || each.rate) continue;
            index.spots.push_back(spot_of(hulls_[rule][i], rule));
            index.length[index.spots.back().length] = true;
        }
        std::sort(index.spots.begin(), index.spots.end());
    }
}

std::vector<Shadows::Run> Shadows::runs(const Index& index, const Hull& hull) {
    const auto& spots = index.spots;
    const auto before = [&](const Spot& spot) {
        return static_cast<std::size_t>(std::lower_bound(spots.begin(), spots.end(), spot) - spots.begin());
    };
    if (hull.axis == 0) return {{0, spots.size()}};
    const Spot own = spot_of(hull, 0);
    // Of other lines all: these cannot be told apart by their keys.
    std::vector<Run> found = {{0, before({hull.axis, {}, 0, 0})}, {before({hull.axis + 1, {}, 0, 0}), spots.size()}};
    for (unsigned length = 0; length < own.length; ++length) {
        if (!index.length[length]) continue;
        const Ipv6Address first = Ipv6Prefix::containing(own.first, length).first();
        found.emplace_back(before({hull.axis, first, length, 0}), before({hull.axis, first, length + 1, 0}));
    }
    const Ipv6Address last = Ipv6Prefix::containing(own.first, own.length).last();
    found.emplace_back(before({hull.axis, own.first, own.length, 0}), before({hull.axis, last, 129, 0}));
    return found;
}

std::vector<std::size_t> Shadows::above(std::size_t rule) {
    std::vector<Run> best;
    std::size_t least = ~std::size_t{0};
    for (std::size_t i = 0; i < kCoordinates; ++i) {
        std::vector<Run> found = runs(indices_[i], hulls_[rule][i]);
        std::size_t count = 0;
        for (const auto& [begin, end] : found) count += end - begin;
        if (count >= least) continue;
        least = count;
        best = std::move(found);
        best.emplace_back(i, i);  // remembers which index
    }
    if (best.empty()) return {};
    const Index& index = indices_[best.back().first];
    best.pop_back();
    std::vector<std::size_t> candidates;
    for (const auto& [begin, end] : best) {
        if (!looks_.spend(end - begin)) return {};
        for (std::size_t at = begin; at < end; ++at) {
            const std::size_t other = index.spots[at].rule;
            if (other < rule && may_share(hulls_[other], hulls_[rule])) candidates.push_back(other);
        }
    }
    std::sort(candidates.begin(), candidates.end());
    return candidates;
}

// ---- what is taken

// `used`: those that took something.
bool Shadows::takes_all(const Traffic& traffic, const std::vector<std::size_t>& rules,
                        std::vector<std::size_t>* used) {
    std::vector<Box> packets = space_.packets_of(traffic);
    if (packets.empty()) return false;
    std::vector<Station> stations;
    for (const std::size_t rule : rules) {
        const Rule& each = shapes_.chain().rules[rule];
        if (!work_.spend(5 + each.from.include.size() + each.to.include.size())) return false;
        stations.push_back({shapes_.at(rule), true});
    }
    std::set<std::size_t> taking;
    const Walked walked = walk(space_, stations, std::move(packets), &work_, [&](std::size_t at, const Box&) {
        if (at == rules.size()) return false;
        taking.insert(rules[at]);
        return true;
    });
    used->assign(taking.begin(), taking.end());
    return walked == Walked::whole;
}

std::vector<std::size_t> Shadows::covering(const Traffic& traffic, const std::vector<std::size_t>& above) {
    constexpr std::size_t kMostTried = 32;
    std::vector<std::size_t> used, rest;
    if (above.empty() || !takes_all(traffic, above, &used)) return {};
    // One of them alone, the first; else without those that are not needed, the last first.
    for (std::size_t i = 0; i < used.size() && i < kMostTried; ++i)
        if (takes_all(traffic, {used[i]}, &rest)) return {used[i]};
    for (std::size_t i = used.size(); i-- > 0 && used.size() <= kMostTried;) {
        std::vector<std::size_t> fewer = used;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (takes_all(traffic, fewer, &rest)) used = std::move(fewer);
    }
    return used;
}

std::vector<Shadowed> Shadows::find() {
    std::vector<Shadowed> found;
    for (std::size_t rule = 0; rule < hulls_.size(); ++rule) {
        std::vector<std::size_t> by = covering(shapes_.chain().rules[rule], above(rule));
        if (!by.empty()) found.push_back({rule, std::move(by)});
    }
    return found;
}

}  // namespace dishwall
