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

// The first of the ranges that does not end before the key.
std::vector<KeyRange>::const_iterator first_reaching(const RangeSet& set, const Ipv6Address& key) {
    const auto& ranges = set.ranges();
    return std::lower_bound(ranges.begin(), ranges.end(), key,
                            [](const KeyRange& range, const Ipv6Address& at) { return range.last < at; });
}

}  // namespace

RangeSet::RangeSet(std::vector<KeyRange> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const KeyRange& a, const KeyRange& b) { return a.first < b.first; });
    for (const KeyRange& range : ranges) {
        const bool joins =
            !ranges_.empty() && (ranges_.back().last == kLast || range.first <= next(ranges_.back().last));
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

bool RangeSet::contains(const Ipv6Address& key) const {
    const auto range = first_reaching(*this, key);
    return range != ranges_.end() && range->first <= key;
}

bool intersects(const RangeSet& a, const RangeSet& b) {
    if (b.ranges().size() < a.ranges().size()) return intersects(b, a);
    return std::any_of(a.ranges().begin(), a.ranges().end(), [&](const KeyRange& range) {
        const auto other = first_reaching(b, range.first);
        return other != b.ranges().end() && other->first <= range.last;
    });
}

RangeSet intersection(const RangeSet& a, const RangeSet& b) {
    if (b.ranges().size() < a.ranges().size()) return intersection(b, a);
    std::vector<KeyRange> both;
    for (const KeyRange& range : a.ranges())
        for (auto other = first_reaching(b, range.first);
             other != b.ranges().end() && other->first <= range.last; ++other)
            both.push_back({std::max(range.first, other->first), std::min(range.last, other->last)});
    return RangeSet(std::move(both));
}

RangeSet difference(const RangeSet& a, const RangeSet& b) {
    std::vector<KeyRange> left;
    for (const KeyRange& range : a.ranges()) {
        Ipv6Address at = range.first;
        bool more = true;
        for (auto hole = first_reaching(b, at); more && hole != b.ranges().end() && hole->first <= range.last;
             ++hole) {
            if (at < hole->first) left.push_back({at, previous(hole->first)});
            more = hole->last < range.last;
            if (more) at = next(hole->last);
        }
        if (more) left.push_back({at, range.last});
    }
    return RangeSet(std::move(left));
}

}  // namespace dishwall
