// SPDX-License-Identifier: BSD-3-Clause
#include "rules/range_set.h"

#include <algorithm>

namespace dishwall {
namespace {

constexpr Ipv6Address kLast{~0ull, ~0ull};

Ipv6Address next(Ipv6Address key) {
    if (++key.lo == 0) ++key.hi;
    return key;
}

Ipv6Address previous(Ipv6Address key) {
    if (key.lo-- == 0) --key.hi;
    return key;
}

}  // namespace

RangeSet::RangeSet(std::vector<KeyRange> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const KeyRange& a, const KeyRange& b) { return a.first < b.first; });
    for (const KeyRange& range : ranges) {
        const bool joins = !ranges_.empty() &&
                           (ranges_.back().last == kLast || range.first <= next(ranges_.back().last));
        if (joins)
            ranges_.back().last = std::max(ranges_.back().last, range.last);
        else
            ranges_.push_back(range);
    }
}

void RangeSet::remove(const KeyRange& hole) {
    std::vector<KeyRange> left;
    for (const KeyRange& range : ranges_) {
        if (range.last < hole.first || hole.last < range.first) {
            left.push_back(range);
            continue;
        }
        if (range.first < hole.first) left.push_back({range.first, previous(hole.first)});
        if (hole.last < range.last) left.push_back({next(hole.last), range.last});
    }
    ranges_ = std::move(left);
}

}  // namespace dishwall
