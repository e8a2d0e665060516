// SPDX-License-Identifier: BSD-3-Clause
//
// The address sets of rules as struct dw_set: up to six trees of prefixes each, by what an address is called
// (literally, or by its place behind the line) and by how long the prefixes are. Equal sets have one number:
// thousands of rules may say `from friends`, so that is found by the set's elements, before any tree is made.
#pragma once

#include <cstdint>
#include <vector>

#include "rules/image/flat_index.h"
#include "rules/image/prefix_tree.h"
#include "rules/policy.h"

namespace dishwall {

// The key of a place behind the line, or of a learnt host: see struct dw_set.
[[nodiscard]] Ipv6Address exact_key(const Behind& place);  // with subnet and interface id
[[nodiscard]] Ipv6Address key_of(const Learnt& learnt);

class AddressSets {
public:
    // The set's number, DW_NO_SET for one that holds every address. Sets must outlive this.
    [[nodiscard]] std::uint32_t number_of(const AddressSet& set);

    // Lines that a packet may touch, at the most, to learn whether it is in this set.
    [[nodiscard]] unsigned cost(std::uint32_t number) const {
        return number == DW_NO_SET ? 0 : costs_[number];
    }

    [[nodiscard]] const PrefixTrees& trees() const { return trees_; }
    [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(sets_.size()); }
    // With its roots as lines of the image, whose trees begin at line `first_tree`.
    [[nodiscard]] std::vector<dw_set> placed_at(std::uint32_t first_tree) const;

private:
    struct Side {
        PrefixTrees::Roots raw;
        std::uint32_t placed = PrefixTrees::kNone;
        bool self = false;
        bool learnt = false;
    };

    [[nodiscard]] std::uint32_t make(const AddressSet& set);
    [[nodiscard]] Side side_of(const AddressElements& elements);

    PrefixTrees trees_;
    std::vector<dw_set> sets_;  // with numbers of trees where the image has their roots
    std::vector<unsigned> costs_;
    FlatIndex by_content_;
    std::vector<const AddressSet*> asked_;  // different ones, and the number of each
    std::vector<std::uint32_t> answers_;
    FlatIndex by_elements_;
};

}  // namespace dishwall
