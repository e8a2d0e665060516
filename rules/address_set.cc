// SPDX-License-Identifier: BSD-3-Clause
#include "rules/address_set.h"

#include <algorithm>
#include <unordered_set>

namespace dishwall {
namespace {

enum Kind : std::uint32_t {
    kPrefix = 0 /* + length */,
    kSource = 1000,
    kSubnet,
    kHost,
    kSelf,
    kLearnt,
    kFeed
};

std::uint64_t mix(std::uint64_t word) {
    word *= 0x9e3779b97f4a7c15ull;
    return word ^ (word >> 29);
}

bool covers_place(const Behind& outer, const Behind& inner) {
    if (outer.source != inner.source) return false;
    if (outer.subnet && outer.subnet != inner.subnet) return false;
    return !outer.interface_id || outer.interface_id == inner.interface_id;
}

bool covers_prefix(const Ipv6Prefix& outer, const Ipv6Prefix& inner) {
    return outer.length() <= inner.length() && outer.contains(inner.first());
}

template <typename Predicate>
bool all(const AddressElements& elements, Predicate predicate) {
    return std::all_of(elements.begin(), elements.end(), predicate);
}

bool covered_by_one(const AddressElement& inner, const AddressElements& outer) {
    return std::any_of(outer.begin(), outer.end(),
                       [&](const auto& element) { return covers(element, inner); });
}

bool apart_from_all(const AddressElement& element, const AddressElements& others) {
    return all(others, [&](const auto& other) { return disjoint(element, other); });
}

// `excluded` was taken out of one set; `other` is united with that set. Keeps it in `kept` where it stays
// out, drops it where `other` has all of it, says false where neither holds.
bool settle_exclusion(const AddressElement& excluded, const AddressSet& other,
                      AddressElements* kept) {
    const bool untouched = !other.any && apart_from_all(excluded, other.include);
    if (untouched || covered_by_one(excluded, other.exclude)) {
        kept->push_back(excluded);
        return true;
    }
    const bool had_back = other.any || covered_by_one(excluded, other.include);
    return had_back && apart_from_all(excluded, other.exclude);
}

// Is each of `inner` covered by one of `outer`?
bool all_covered(const AddressElements& inner, const AddressElements& outer) {
    constexpr std::size_t kFewPairs = 256;
    if (inner.size() * outer.size() <= kFewPairs)
        return all(inner, [&](const auto& element) { return covered_by_one(element, outer); });
    ElementIndex index;
    for (const AddressElement& element : outer) index.insert(element, 0);
    return all(inner, [&](const auto& element) { return index.covers(element); });
}

void remove_duplicates(AddressElements* elements) {
    std::unordered_set<ElementKey, ElementKeyHash> seen;
    const auto known = [&](const AddressElement& element) { return !seen.insert(key_of(element)).second; };
    elements->erase(std::remove_if(elements->begin(), elements->end(), known), elements->end());
}

}  // namespace

bool covers(const AddressElement& outer, const AddressElement& inner) {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&outer)) {
        if (prefix->length() == 0) return true;
        const auto* other = std::get_if<Ipv6Prefix>(&inner);
        return other && covers_prefix(*prefix, *other);
    }
    if (const auto* place = std::get_if<Behind>(&outer)) {
        const auto* other = std::get_if<Behind>(&inner);
        return other && covers_place(*place, *other);
    }
    if (const auto* learnt = std::get_if<Learnt>(&outer)) {
        const auto* other = std::get_if<Learnt>(&inner);
        return other && learnt->host == other->host;
    }
    if (const auto* feed = std::get_if<InFeed>(&outer)) {
        const auto* other = std::get_if<InFeed>(&inner);
        return other && feed->feed == other->feed;
    }
    return std::holds_alternative<Self>(inner);
}

bool disjoint(const AddressElement& a, const AddressElement& b) {
    const bool comparable = a.index() == b.index() && !std::holds_alternative<Self>(a) &&
                            !std::holds_alternative<Learnt>(a) && !std::holds_alternative<InFeed>(a);
    // Prefixes, and places, are nested or apart; two learnt hosts may share an address, and what a feed has
    // today says nothing of tomorrow.
    return comparable && !covers(a, b) && !covers(b, a);
}

std::size_t ElementKeyHash::operator()(const ElementKey& key) const {
    return mix(mix(mix(key.hi) ^ key.lo) ^ key.kind);
}

ElementKey key_of(const AddressElement& element) {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element))
        return {prefix->first().hi, prefix->first().lo, kPrefix + prefix->length()};
    if (std::holds_alternative<Self>(element)) return {0, 0, kSelf};
    if (const auto* learnt = std::get_if<Learnt>(&element)) return {learnt->host, 0, kLearnt};
    if (const auto* feed = std::get_if<InFeed>(&element)) return {feed->feed, 0, kFeed};
    const Behind& place = std::get<Behind>(element);
    const auto subnet = std::uint64_t{place.source} << 16 | place.subnet.value_or(0);
    if (place.interface_id) return {subnet, *place.interface_id, kHost};
    return {subnet, 0, place.subnet ? kSubnet : kSource};
}

AddressElement everything() { return Ipv6Prefix(); }

void ElementIndex::insert(const AddressElement& element, std::size_t tag) {
    tags_.emplace(key_of(element), tag);
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) lengths_.set(prefix->length());
}

bool ElementIndex::covers(const AddressElement& element) const {
    return visit_covers(element, [](std::size_t) { return true; });
}

bool ElementIndex::visit_covers(const AddressElement& element,
                                const std::function<bool(std::size_t)>& visit) const {
    const auto stops_at = [&](const AddressElement& cover) {
        const auto found = tags_.find(key_of(cover));
        return found != tags_.end() && visit(found->second);
    };
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) {
        for (unsigned length = prefix->length(); length > 0; --length)
            if (lengths_[length] && stops_at(Ipv6Prefix::containing(prefix->first(), length))) return true;
    } else if (const auto* place = std::get_if<Behind>(&element)) {
        if (stops_at(element)) return true;
        if (place->interface_id && stops_at(Behind{place->source, place->subnet, {}})) return true;
        if (place->subnet && stops_at(Behind{place->source, {}, {}})) return true;
    } else if (stops_at(element)) {
        return true;
    }
    return lengths_[0] && stops_at(everything());
}

std::optional<AddressSet> complement(const AddressSet& set) {
    if (set.any) return AddressSet{false, set.exclude, {}};
    if (set.exclude.empty()) return AddressSet{true, {}, set.include};
    return std::nullopt;
}

bool WorkBudget::spend(std::size_t comparisons) {
    if (comparisons > left) return false;
    left -= comparisons;
    return true;
}

bool unite(AddressSet* into, const AddressSet& other, WorkBudget* budget) {
    const std::size_t pairs = into->exclude.size() * (other.include.size() + other.exclude.size()) +
                              other.exclude.size() * (into->include.size() + into->exclude.size());
    if (!budget->spend(pairs)) return false;
    AddressElements exclude;
    for (const AddressElement& element : into->exclude)
        if (!settle_exclusion(element, other, &exclude)) return false;
    for (const AddressElement& element : other.exclude)
        if (!settle_exclusion(element, *into, &exclude)) return false;
    into->exclude = std::move(exclude);
    into->any = into->any || other.any;
    if (into->any)
        into->include.clear();
    else
        into->include.append(other.include.begin(), other.include.end());
    return true;
}

bool subtract(AddressSet* from, const AddressSet& other) {
    if (other.exclude.empty()) {
        if (other.any)
            *from = {false, {}, {}};
        else
            from->exclude.append(other.include.begin(), other.include.end());
        return true;
    }
    // What is left is what `other` excludes, as far as `from` has it.
    if (!other.any || !from->any) return false;
    from->any = false;
    from->include = other.exclude;
    return true;
}

void remove_duplicates(AddressSet* set) {
    remove_duplicates(&set->include);
    remove_duplicates(&set->exclude);
}

bool matches_nothing(const AddressSet& set) {
    ElementIndex excluded;
    for (const AddressElement& element : set.exclude) excluded.insert(element, 0);
    if (set.any) return excluded.covers(everything());
    return all(set.include, [&](const auto& element) { return excluded.covers(element); });
}

bool covers(const AddressSet& outer, const AddressSet& inner, WorkBudget* budget) {
    if (outer.matches_everything()) return true;
    if (inner.any && !outer.any) return false;
    if (!budget->spend(outer.include.size() + inner.include.size() +
                       outer.exclude.size() * (inner.include.size() + inner.exclude.size())))
        return false;
    if (!outer.any && !all_covered(inner.include, outer.include)) return false;
    return all(outer.exclude, [&](const auto& element) {
        return covered_by_one(element, inner.exclude) ||
               (!inner.any && apart_from_all(element, inner.include));
    });
}

}  // namespace dishwall
