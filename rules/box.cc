// SPDX-License-Identifier: BSD-3-Clause
#include "rules/box.h"

#include <algorithm>
#include <utility>

namespace dishwall {
namespace {

using Kind = Axis::Kind;

Values up_to(std::uint64_t last) { return values_of({{{0, 0}, {0, last}}}); }

// All that an axis can be.
const RangeSet& universe(Kind kind) {
    static const Values protocols = up_to(255), ports = up_to(65535), answers = up_to(1),
                        keys = values_of({{{0, 0}, {~0ull, ~0ull}}});
    switch (kind) {
        case Kind::proto:
            return *protocols;
        case Kind::port:
        case Kind::sender_port:
            return *ports;
        case Kind::address:
        case Kind::place:
            return *keys;
        case Kind::self:
        case Kind::device:
        case Kind::domain:
        case Kind::feed:
            return *answers;
    }
    return *keys;
}

template <typename Entries>
auto position(Entries& entries, const Axis& axis) {
    return std::lower_bound(entries.begin(), entries.end(), axis,
                            [](const Box::Entry& entry, const Axis& at) { return entry.first < at; });
}

}  // namespace

Ipv6Address place_key(unsigned source, std::uint16_t subnet, std::uint64_t interface_id) {
    return {std::uint64_t{source} << 16 | subnet, interface_id};
}

Values values_of(std::vector<KeyRange> ranges) { return std::make_shared<const RangeSet>(std::move(ranges)); }

const Values& yes() {
    static const Values value = values_of({{{0, 1}, {0, 1}}});
    return value;
}

const Values& no() {
    static const Values value = values_of({{{0, 0}, {0, 0}}});
    return value;
}

const Values* Box::find(const Axis& axis) const {
    const auto entry = position(entries_, axis);
    return entry != entries_.end() && entry->first == axis ? &entry->second : nullptr;
}

const RangeSet& Box::values(const Axis& axis) const {
    if (const Values* found = find(axis)) return **found;
    const Learnt learnt = learnt_[static_cast<unsigned>(axis.end)];
    if (axis.kind == Kind::domain && learnt != Learnt::any) return *no();
    if (axis.kind == Kind::device && learnt == Learnt::none) return *no();
    return universe(axis.kind);
}

void Box::set(const Axis& axis, Values values) {
    const auto entry = position(entries_, axis);
    if (entry != entries_.end() && entry->first == axis)
        entry->second = std::move(values);
    else
        entries_.insert(entry, {axis, std::move(values)});
}

bool Box::meets(const Box& other) const {
    return std::all_of(other.entries_.begin(), other.entries_.end(),
                       [&](const Entry& entry) { return intersects(values(entry.first), *entry.second); });
}

bool Box::narrow(const Box& to) {
    for (const auto& [axis, wanted] : to.entries_) {
        auto both = std::make_shared<const RangeSet>(intersection(values(axis), *wanted));
        if (both->empty()) return false;
        set(axis, std::move(both));
    }
    for (unsigned end = 0; end < learnt_.size(); ++end)
        learnt_[end] = std::max(learnt_[end], to.learnt_[end]);
    return true;
}

std::size_t Box::cut(const Box& hole, std::vector<Box>* left) const {
    Box inside = *this;
    std::size_t looked_at = 0;
    for (const auto& [axis, wanted] : hole.entries_) {
        const RangeSet& ours = inside.values(axis);
        auto outside = std::make_shared<const RangeSet>(difference(ours, *wanted));
        looked_at += 1 + ours.ranges().size() + outside->ranges().size();
        if (outside->empty()) continue;
        auto both = std::make_shared<const RangeSet>(intersection(ours, *wanted));
        looked_at += both->ranges().size();
        left->push_back(inside);
        left->back().set(axis, std::move(outside));
        inside.set(axis, std::move(both));
    }
    return looked_at;
}

}  // namespace dishwall
