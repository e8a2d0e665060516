// SPDX-License-Identifier: BSD-3-Clause
//
// A set of 128-bit keys as sorted, disjoint, closed ranges: the form in which the packet core searches
// address sets. Adding and removing keep the form; neighbours are joined.
#pragma once

#include <vector>

#include "rules/ipv6.h"

namespace dishwall {

struct KeyRange {
    Ipv6Address first;
    Ipv6Address last;

    bool operator==(const KeyRange&) const = default;
};

class RangeSet {
public:
    RangeSet() = default;
    explicit RangeSet(std::vector<KeyRange> ranges);  // any order, overlapping or not

    void remove(const KeyRange& hole);

    [[nodiscard]] bool empty() const { return ranges_.empty(); }
    [[nodiscard]] bool contains(const Ipv6Address& key) const;
    bool operator==(const RangeSet&) const = default;

    [[nodiscard]] const std::vector<KeyRange>& ranges() const { return ranges_; }

private:
    std::vector<KeyRange> ranges_;
};

[[nodiscard]] bool intersects(const RangeSet& a, const RangeSet& b);
[[nodiscard]] RangeSet intersection(const RangeSet& a, const RangeSet& b);
[[nodiscard]] RangeSet difference(const RangeSet& a, const RangeSet& b);

}  // namespace dishwall
