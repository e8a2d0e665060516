// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/address_sets.h"

#include <algorithm>
#include <cstring>

namespace dishwall {
namespace {

Ipv6Address source_key(const Behind& behind) {
    return {static_cast<std::uint64_t>(behind.source) << 16 | behind.subnet.value_or(0),
            behind.interface_id.value_or(0)};
}

// Everything behind the line that `behind` names, as one prefix of keys.
Ipv6Prefix places_of(const Behind& behind) {
    const unsigned length = behind.interface_id ? 128 : behind.subnet ? 64 : 48;
    return Ipv6Prefix::containing(source_key(behind), length);
}

std::uint64_t hash_of(const AddressElement& element) {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element))
        return dw_mix(dw_mix(prefix->first().hi, prefix->first().lo), prefix->length());
    if (const auto* behind = std::get_if<Behind>(&element)) {
        const Ipv6Prefix places = places_of(*behind);
        return dw_mix(dw_mix(places.first().hi, places.first().lo), 256 + places.length());
    }
    if (const auto* learnt = std::get_if<Learnt>(&element)) return dw_mix(learnt->host, 512);
    if (const auto* feed = std::get_if<InFeed>(&element)) return dw_mix(feed->feed, 513);
    return dw_mix(0, 514);
}

bool equal(const AddressElement& a, const AddressElement& b) {
    if (a.index() != b.index()) return false;
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&a)) return *prefix == std::get<Ipv6Prefix>(b);
    if (const auto* behind = std::get_if<Behind>(&a))
        return places_of(*behind) == places_of(std::get<Behind>(b));
    if (const auto* learnt = std::get_if<Learnt>(&a)) return learnt->host == std::get<Learnt>(b).host;
    if (const auto* feed = std::get_if<InFeed>(&a)) return feed->entries == std::get<InFeed>(b).entries;
    return true;
}

std::uint64_t hash_of(const AddressSet& set) {
    std::uint64_t hash = set.any;
    if (!set.any)
        for (const AddressElement& element : set.include) hash = dw_mix(hash, hash_of(element));
    for (const AddressElement& element : set.exclude) hash = dw_mix(~hash, hash_of(element));
    return hash;
}

bool equal(const AddressSet& a, const AddressSet& b) {
    const auto same = [](const AddressElements& one, const AddressElements& other) {
        return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                          [](const auto& x, const auto& y) { return equal(x, y); });
    };
    return a.any == b.any && (a.any || same(a.include, b.include)) && same(a.exclude, b.exclude);
}

std::uint64_t hash_of(const dw_set& set) {
    return dw_mix(dw_mix(dw_mix(std::uint64_t{set.wide} << 32 | set.full,
                                std::uint64_t{set.placed} << 32 | set.not_wide),
                         std::uint64_t{set.not_full} << 32 | set.not_placed),
                  set.flags);
}

}  // namespace

Ipv6Address exact_key(const Behind& place) { return source_key(place); }

Ipv6Address key_of(const Learnt& learnt) { return {DW_LEARNT_KEY | learnt.host, 0}; }

AddressSets::Side AddressSets::side_of(const AddressElements& elements) {
    Side side;
    std::vector<Ipv6Prefix> raw, placed;
    std::vector<const FeedEntries*> feeds;
    for (const AddressElement& element : elements) {
        if (const auto* prefix = std::get_if<Ipv6Prefix>(&element))
            raw.push_back(*prefix);
        else if (const auto* behind = std::get_if<Behind>(&element))
            placed.push_back(places_of(*behind));
        else if (const auto* learnt = std::get_if<Learnt>(&element))
            placed.push_back(Ipv6Prefix::containing(key_of(*learnt), 128));
        else if (const auto* feed = std::get_if<InFeed>(&element))
            feeds.push_back(feed->entries.get());
        else
            side.self = true;
        side.learnt |= std::holds_alternative<Learnt>(element);
    }
    side.placed = trees_.add_keys(std::move(placed));
    if (feeds.size() == 1 && raw.empty()) {
        side.raw = {trees_.add_feed(TreeKind::wide, *feeds[0]), trees_.add_feed(TreeKind::full, *feeds[0])};
        return side;
    }
    for (const FeedEntries* feed : feeds) raw.insert(raw.end(), feed->prefixes.begin(), feed->prefixes.end());
    side.raw = trees_.add_literals(std::move(raw));
    return side;
}

std::uint32_t AddressSets::make(const AddressSet& set) {
    const Side must = set.any ? Side{} : side_of(set.include);
    const Side mustnot = side_of(set.exclude);
    dw_set made{must.raw.wide,    must.raw.full,  must.placed, mustnot.raw.wide,
                mustnot.raw.full, mustnot.placed, 0,           0};
    made.flags = (set.any ? DW_SET_ANY : 0) | (must.self ? DW_SET_SELF : 0) |
                 (mustnot.self ? DW_SET_NOT_SELF : 0) | (must.learnt || mustnot.learnt ? DW_SET_LEARNT : 0);
    const std::uint32_t number = by_content_.find_or_add(hash_of(made), count(), [&](std::uint32_t other) {
        return std::memcmp(&sets_[other], &made, sizeof made) == 0;
    });
    if (number < sets_.size()) return number;
    sets_.push_back(made);
    // An address in reach of learnt hosts has a name for each of them beside its place.
    const unsigned names = 1 + (made.flags & DW_SET_LEARNT ? DW_LEARNT_HOSTS : 0);
    costs_.push_back(1 + trees_.depth(made.wide) + trees_.depth(made.full) +
                     names * trees_.depth(made.placed) + trees_.depth(made.not_wide) +
                     trees_.depth(made.not_full) + names * trees_.depth(made.not_placed));
    return number;
}

std::uint32_t AddressSets::number_of(const AddressSet& set) {
    if (set.matches_everything()) return DW_NO_SET;
    // Of a policy that has outgrown the image nothing more is kept; the writer will refuse it.
    if (trees_.lines() > DW_IMAGE_LINES) return DW_NO_SET;
    const std::uint32_t asked =
        by_elements_.find_or_add(hash_of(set), static_cast<std::uint32_t>(asked_.size()),
                                 [&](std::uint32_t other) { return equal(*asked_[other], set); });
    if (asked < asked_.size()) return answers_[asked];
    asked_.push_back(&set);
    answers_.push_back(make(set));
    return answers_.back();
}

std::vector<dw_set> AddressSets::placed_at(std::uint32_t first_tree) const {
    std::vector<dw_set> sets = sets_;
    for (dw_set& set : sets)
        for (std::uint32_t* root :
             {&set.wide, &set.full, &set.placed, &set.not_wide, &set.not_full, &set.not_placed})
            *root = trees_.root(*root, first_tree);
    return sets;
}

}  // namespace dishwall
