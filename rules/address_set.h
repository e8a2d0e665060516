// SPDX-License-Identifier: BSD-3-Clause
//
// Sets of addresses as values, and what can be said about them without knowing where the line's prefixes
// are today. An AddressSet is "in one of these and in none of those"; not every combination of such sets is
// one again. The operations here are exact: they say no rather than be nearly right.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "rules/policy.h"

namespace dishwall {

// Is every address of `inner` in `outer`, wherever the prefixes are? Do they share none? Both answers may
// be no: where a literal prefix lies relative to a delegation is known only to the line.
[[nodiscard]] bool covers(const AddressElement& outer, const AddressElement& inner);
[[nodiscard]] bool disjoint(const AddressElement& a, const AddressElement& b);

// An element as a hashable value.
struct ElementKey {
    std::uint64_t hi = 0, lo = 0;
    std::uint32_t kind = 0;
    bool operator==(const ElementKey&) const = default;
};
struct ElementKeyHash {
    std::size_t operator()(const ElementKey& key) const;
};
[[nodiscard]] ElementKey key_of(const AddressElement& element);
[[nodiscard]] AddressElement everything();  // ::/0

// Finds which of many elements cover one, without looking at each.
class ElementIndex {
public:
    // The first of equal elements stays.
    void insert(const AddressElement& element, std::size_t tag);
    [[nodiscard]] bool covers(const AddressElement& element) const;
    // Calls `visit(tag)` for the elements that cover this one, itself included, the narrowest first, until
    // it returns true.
    bool visit_covers(const AddressElement& element, const std::function<bool(std::size_t tag)>& visit) const;

private:
    std::unordered_map<ElementKey, std::size_t, ElementKeyHash> tags_;
    std::bitset<129> lengths_;  // of the prefixes in it
};

// Comparisons of elements that may still be made. Where it runs out, the answer is the careful one.
struct WorkBudget {
    std::size_t left = 0;
    [[nodiscard]] bool spend(std::size_t comparisons);
};

// False, or empty: the result is no AddressSet. `into` is then unspecified.
[[nodiscard]] std::optional<AddressSet> complement(const AddressSet& set);
[[nodiscard]] bool unite(AddressSet* into, const AddressSet& other, WorkBudget* budget);
[[nodiscard]] bool subtract(AddressSet* from, const AddressSet& other);

void remove_duplicates(AddressSet* set);
// Is everything in it excluded again?
[[nodiscard]] bool matches_nothing(const AddressSet& set);
// Is every address of `inner` surely in `outer`?
[[nodiscard]] bool covers(const AddressSet& outer, const AddressSet& inner, WorkBudget* budget);

}  // namespace dishwall
