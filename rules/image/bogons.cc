// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/bogons.h"

#include "rules/special_purpose.h"

namespace dishwall {
namespace {

Ipv6Address next(Ipv6Address key) {
    if (++key.lo == 0) ++key.hi;
    return key;
}

// The widest prefix that begins with the range's first key and ends within it.
Ipv6Prefix widest(const KeyRange& range) {
    unsigned length = 128;
    while (length > 0) {
        const Ipv6Prefix wider = Ipv6Prefix::containing(range.first, length - 1);
        if (wider.first() != range.first || range.last < wider.last()) break;
        --length;
    }
    return Ipv6Prefix::containing(range.first, length);
}

}  // namespace

std::vector<Ipv6Prefix> prefixes_of(const RangeSet& set) {
    std::vector<Ipv6Prefix> prefixes;
    for (KeyRange left : set.ranges()) {
        prefixes.push_back(widest(left));
        while (prefixes.back().last() < left.last) {
            left.first = next(prefixes.back().last());
            prefixes.push_back(widest(left));
        }
    }
    return prefixes;
}

std::vector<Ipv6Prefix> bogons(bool documentation_prefixes_are_ordinary) {
    using Kind = SpecialPurpose::Kind;
    std::vector<KeyRange> forbidden, reachable;
    for (const SpecialPurpose& entry : kSpecialPurpose) {
        if (entry.kind == Kind::documentation && documentation_prefixes_are_ordinary) continue;
        const Ipv6Prefix prefix = *parse_prefix(entry.prefix);
        (entry.kind == Kind::reachable ? reachable : forbidden).push_back({prefix.first(), prefix.last()});
    }
    RangeSet set(std::move(forbidden));
    for (const KeyRange& hole : reachable) set.remove(hole);
    return prefixes_of(set);
}

}  // namespace dishwall
