// SPDX-License-Identifier: BSD-3-Clause
#include "rules/shadow.h"

#include <algorithm>
#include <bit>
#include <bitset>
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

// Ranges of ports in a tree: the root (1) is all of them, the children of n are 2n and 2n + 1, its halves. A
// range stands at the lowest node that holds it, so what covers it stands there or further up.
constexpr unsigned kTreeDepth = 16;

std::uint32_t node_of(const PortRange& range) {
    const int level = std::bit_width(static_cast<unsigned>(range.first ^ range.last));
    return (1u << kTreeDepth | range.first) >> level;
}

// Where a candidate is remembered: the numbers of an address at either end, its protocol and node.
struct Spot {
    std::uint64_t ends = 0;
    std::uint32_t ports = 0;
    bool operator==(const Spot&) const = default;
};
struct SpotHash {
    std::size_t operator()(const Spot& spot) const {
        const std::uint64_t word = (spot.ends ^ std::uint64_t{spot.ports} << 29) * 0x9e3779b97f4a7c15ull;
        return word ^ word >> 32;
    }
};
constexpr std::uint64_t kAnywhere = ~std::uint64_t{0};  // ends of a rule with too many addresses to list

std::uint32_t in_tree_of(unsigned proto, std::uint32_t node) { return proto << (kTreeDepth + 1) | node; }

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
        const std::uint32_t node = node_of(candidate.hull.ports);
        const std::uint32_t ports = in_tree_of(candidate.hull.proto, node);
        levels_.set(static_cast<unsigned>(std::bit_width(node)));
        if (to.size() * from.size() > kMostPlaces) {
            spots_[{kAnywhere, ports}].push_back(candidate);
            return;
        }
        for (const AddressElement& t : to)
            for (const AddressElement& f : from)
                spots_[{pair(to_.number(t), from_.number(f)), ports}].push_back(candidate);
    }

    std::optional<std::size_t> find_cover(std::size_t rule) {
        std::optional<std::size_t> first;
        look_at(kAnywhere, rule, &first);
        const auto from = from_.covering(first_element(rules_[rule].from));
        for (const std::uint32_t t : to_.covering(first_element(rules_[rule].to)))
            for (const std::uint32_t f : from) look_at(pair(t, f), rule, &first);
        return first;
    }

    void look_at(std::uint64_t ends, std::size_t rule, std::optional<std::size_t>* first) {
        const Lane& lane = shapes_[rule].lanes.front();
        std::uint32_t node = node_of({lane.ranges.front().first, lane.ranges.back().last});
        for (; node != 0; node >>= 1) {
            if (!levels_[static_cast<unsigned>(std::bit_width(node))]) continue;
            look_in({ends, in_tree_of(kAnyProto, node)}, rule, first);
            if (lane.proto != kAnyProto) look_in({ends, in_tree_of(lane.proto, node)}, rule, first);
        }
    }

    // Candidates are in the order of the rules.
    void look_in(const Spot& spot, std::size_t rule, std::optional<std::size_t>* first) {
        const auto found = spots_.find(spot);
        if (found == spots_.end() || !looks_.spend(found->second.size())) return;
        const Lane& lane = shapes_[rule].lanes.front();
        for (const Candidate& candidate : found->second) {
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
    std::unordered_map<Spot, std::vector<Candidate>, SpotHash> spots_;
    std::bitset<kTreeDepth + 2> levels_;  // bit widths of the nodes in use
    WorkBudget looks_{300'000'000};
    WorkBudget comparisons_{50'000'000};
};

}  // namespace

std::vector<Shadowed> find_shadowed(const std::vector<Rule>& rules) { return Finder(rules).run(); }

}  // namespace dishwall
