// SPDX-License-Identifier: BSD-3-Clause
#include "rules/shadow.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "rules/address_set.h"

namespace dishwall {
namespace {

constexpr unsigned kAnyProto = 256;
constexpr PortRange kAllPorts{0, 65535};

// Sorted, and neither overlapping nor touching.
using Ranges = std::vector<PortRange>;

void normalise(Ranges* ranges) {
    std::sort(ranges->begin(), ranges->end(),
              [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
    Ranges merged;
    for (const PortRange& range : *ranges) {
        if (merged.empty() || range.first > merged.back().last + 1u)
            merged.push_back(range);
        else
            merged.back().last = std::max(merged.back().last, range.last);
    }
    *ranges = std::move(merged);
}

bool covers(const Ranges& outer, const PortRange& inner) {
    const auto after =
        std::upper_bound(outer.begin(), outer.end(), inner.first,
                         [](unsigned port, const PortRange& range) { return port < range.first; });
    return after != outer.begin() && std::prev(after)->last >= inner.last;
}

bool covers(const Ranges& outer, const Ranges& inner) {
    return std::all_of(inner.begin(), inner.end(),
                       [&](const PortRange& range) { return covers(outer, range); });
}

// All that a rule matches of one protocol. ICMPv6 types are ranges too; "all" is a range like any other.
struct Lane {
    unsigned proto = kAnyProto;
    Ranges ranges;
    bool all = false;  // also what has no port
};

struct Shape {
    std::vector<Lane> lanes;
    Ranges from_ports;  // empty: all
};

Lane& lane_of(std::vector<Lane>* lanes, unsigned proto) {
    for (Lane& lane : *lanes)
        if (lane.proto == proto) return lane;
    return lanes->emplace_back(Lane{proto, {}, false});
}

Shape shape_of(const Rule& rule) {
    Shape shape;
    for (const ProtocolMatch& match : rule.match) {
        Lane& lane = lane_of(&shape.lanes, match.proto ? *match.proto : kAnyProto);
        lane.ranges.insert(lane.ranges.end(), match.ports.begin(), match.ports.end());
        for (const std::uint8_t type : match.icmp_types) lane.ranges.push_back({type, type});
        if (match.ports.empty() && match.icmp_types.empty()) lane.all = true;
    }
    for (Lane& lane : shape.lanes) {
        if (lane.all) lane.ranges = {kAllPorts};
        normalise(&lane.ranges);
    }
    shape.from_ports = rule.from_ports;
    normalise(&shape.from_ports);
    return shape;
}

bool covers(const Shape& outer, const Shape& inner) {
    if (!outer.from_ports.empty() &&
        (inner.from_ports.empty() || !covers(outer.from_ports, inner.from_ports)))
        return false;
    return std::all_of(inner.lanes.begin(), inner.lanes.end(), [&](const Lane& lane) {
        return std::any_of(outer.lanes.begin(), outer.lanes.end(), [&](const Lane& other) {
            if (other.proto != kAnyProto && other.proto != lane.proto) return false;
            return other.all || covers(other.ranges, lane.ranges);
        });
    });
}

// A first look at a rule, without following pointers: what its lanes lie within.
struct Hull {
    unsigned proto = kAnyProto;
    PortRange ports = kAllPorts;
};

Hull hull_of(const Shape& shape) {
    if (shape.lanes.size() != 1) return {};
    const Lane& lane = shape.lanes.front();
    return {lane.proto, {lane.ranges.front().first, lane.ranges.back().last}};
}

bool may_cover(const Hull& outer, const Lane& inner) {
    return (outer.proto == kAnyProto || outer.proto == inner.proto) &&
           outer.ports.first <= inner.ranges.front().first && outer.ports.last >= inner.ranges.back().last;
}

struct Candidate {
    std::size_t rule;
    Hull hull;
};

// The elements of one end of a rule, numbered as they come.
class End {
public:
    std::uint32_t number(const AddressElement& element) {
        const auto [entry, is_new] = numbers_.try_emplace(key_of(element), numbers_.size());
        if (is_new) index_.insert(element, entry->second);
        return static_cast<std::uint32_t>(entry->second);
    }
    std::vector<std::uint32_t> covering(const AddressElement& element) const {
        std::vector<std::uint32_t> found;
        index_.visit_covers(element, [&](std::size_t number) {
            found.push_back(static_cast<std::uint32_t>(number));
            return false;
        });
        return found;
    }

private:
    std::unordered_map<ElementKey, std::size_t, ElementKeyHash> numbers_;
    ElementIndex index_;
};

class Finder {
public:
    explicit Finder(const std::vector<Rule>& rules) : rules_(rules) {
        for (const Rule& rule : rules) shapes_.push_back(shape_of(rule));
    }

    std::vector<Shadowed> run() {
        std::vector<Shadowed> found;
        for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
            if (const auto by = find_cover(rule))
                found.push_back({rule, *by});
            else if (rules_[rule].verdict != DW_AUDIT)
                remember(rule);  // audit lets every packet go on
        }
        return found;
    }

private:
    static constexpr std::size_t kMostPlaces = 64;  // that one rule is remembered at

    static std::vector<AddressElement> elements(const AddressSet& set) {
        return set.any ? std::vector<AddressElement>{everything()} : set.include;
    }
    static AddressElement first_element(const AddressSet& set) {
        return set.any ? everything() : set.include.front();
    }
    static std::uint64_t pair(std::uint32_t to, std::uint32_t from) { return std::uint64_t{to} << 32 | from; }

    void remember(std::size_t rule) {
        const Candidate candidate{rule, hull_of(shapes_[rule])};
        const auto to = elements(rules_[rule].to);
        const auto from = elements(rules_[rule].from);
        if (to.size() * from.size() > kMostPlaces) {
            anywhere_.push_back(candidate);
            return;
        }
        for (const AddressElement& t : to)
            for (const AddressElement& f : from)
                places_[pair(to_.number(t), from_.number(f))].push_back(candidate);
    }

    std::optional<std::size_t> find_cover(std::size_t rule) {
        std::optional<std::size_t> first;
        look_in(anywhere_, rule, &first);
        const auto from = from_.covering(first_element(rules_[rule].from));
        for (const std::uint32_t t : to_.covering(first_element(rules_[rule].to)))
            for (const std::uint32_t f : from)
                if (const auto place = places_.find(pair(t, f)); place != places_.end())
                    look_in(place->second, rule, &first);
        return first;
    }

    // Candidates are in the order of the rules.
    void look_in(const std::vector<Candidate>& candidates, std::size_t rule,
                 std::optional<std::size_t>* first) {
        if (!looks_.spend(candidates.size())) return;
        const Lane& lane = shapes_[rule].lanes.front();
        for (const Candidate& candidate : candidates) {
            if (*first && candidate.rule >= **first) return;
            if (!may_cover(candidate.hull, lane) || !rule_covers(candidate.rule, rule)) continue;
            *first = candidate.rule;
            return;
        }
    }

    bool rule_covers(std::size_t outer, std::size_t inner) {
        return covers(shapes_[outer], shapes_[inner]) &&
               covers(rules_[outer].to, rules_[inner].to, &comparisons_) &&
               covers(rules_[outer].from, rules_[inner].from, &comparisons_);
    }

    const std::vector<Rule>& rules_;
    std::vector<Shape> shapes_;
    End to_, from_;
    std::unordered_map<std::uint64_t, std::vector<Candidate>> places_;  // by elements of both ends
    std::vector<Candidate> anywhere_;                                   // too many elements to list
    WorkBudget looks_{300'000'000};
    WorkBudget comparisons_{50'000'000};
};

}  // namespace

std::vector<Shadowed> find_shadowed(const std::vector<Rule>& rules) { return Finder(rules).run(); }

}  // namespace dishwall
