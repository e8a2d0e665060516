// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/condition.h"

#include <netinet/in.h>

#include <algorithm>

namespace dishwall::import {
namespace {

constexpr std::size_t kMostComparisons = 4'000'000;

bool holds(const Ipv6Prefix& outer, const Ipv6Prefix& inner) {
    return outer.length() <= inner.length() && outer.contains(inner.first());
}

bool in_one_of(const std::vector<Ipv6Prefix>& outer, const Ipv6Prefix& inner) {
    return std::ranges::any_of(outer, [&](const Ipv6Prefix& one) { return holds(one, inner); });
}

// Of two prefixes one is in the other, or they share nothing.
std::vector<Ipv6Prefix> shared(const std::vector<Ipv6Prefix>& a, const std::vector<Ipv6Prefix>& b) {
    std::vector<Ipv6Prefix> result;
    for (const Ipv6Prefix& one : a)
        if (in_one_of(b, one)) result.push_back(one);
    for (const Ipv6Prefix& one : b)
        if (in_one_of(a, one)) result.push_back(one);
    return without_repeats(std::move(result));
}

std::vector<std::string> shared(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    std::vector<std::string> result;
    for (const std::string& one : a)
        if (std::ranges::find(b, one) != b.end()) result.push_back(one);
    return result;
}

template <typename T>
void add(std::vector<T>* to, const std::vector<T>& more) {
    for (const T& one : more)
        if (std::ranges::find(*to, one) == to->end()) to->push_back(one);
}

template <typename T>
std::optional<T> narrower(const std::optional<T>& a, const std::optional<T>& b) {
    if (!a || !b) return a ? a : b;
    return shared(*a, *b);
}

End both(const End& a, const End& b, std::vector<std::string>* unclear) {
    End end = a;
    if (a.in && b.in && a.in->size() * b.in->size() > kMostComparisons)
        unclear->emplace_back("too many addresses to compare");
    else
        end.in = narrower(a.in, b.in);
    add(&end.out, b.out);
    if (a.suffix && b.suffix && *a.suffix != *b.suffix) end.in.emplace();
    if (!end.suffix) end.suffix = b.suffix;
    end.behind = narrower(a.behind, b.behind);
    add(&end.not_behind, b.not_behind);
    return end;
}

}  // namespace

// ---- ports

Ports::Ports(std::vector<PortRange> ranges) {
    std::ranges::sort(ranges, {}, &PortRange::first);
    for (const PortRange& range : ranges) {
        if (range.first > range.last) continue;
        if (!ranges_.empty() && range.first <= ranges_.back().last + 1)
            ranges_.back().last = std::max(ranges_.back().last, range.last);
        else
            ranges_.push_back(range);
    }
}

bool Ports::all() const { return ranges_.size() == 1 && ranges_[0].first == 0 && ranges_[0].last == 65535; }

Ports Ports::others() const {
    std::vector<PortRange> result;
    unsigned next = 0;
    for (const PortRange& range : ranges_) {
        if (range.first > next)
            result.push_back({static_cast<std::uint16_t>(next), static_cast<std::uint16_t>(range.first - 1)});
        next = range.last + 1u;
    }
    if (next <= 65535) result.push_back({static_cast<std::uint16_t>(next), 65535});
    return Ports(std::move(result));
}

Ports Ports::both(const Ports& other) const {
    std::vector<PortRange> result;
    for (const PortRange& a : ranges_)
        for (const PortRange& b : other.ranges_)
            if (std::max(a.first, b.first) <= std::min(a.last, b.last))
                result.push_back({std::max(a.first, b.first), std::min(a.last, b.last)});
    return Ports(std::move(result));
}

// ---- ends

bool End::nowhere() const {
    if (in && std::ranges::all_of(*in, [&](const Ipv6Prefix& one) { return in_one_of(out, one); }))
        return true;
    if (in_one_of(out, Ipv6Prefix())) return true;
    return behind && std::ranges::all_of(*behind, [&](const std::string& one) {
               return std::ranges::find(not_behind, one) != not_behind.end();
           });
}

bool End::is_link_local() const {
    const Ipv6Prefix link_local = Ipv6Prefix::containing({0xfe80ull << 48, 0}, 10);
    return in && std::ranges::all_of(*in, [&](const Ipv6Prefix& one) { return holds(link_local, one); });
}

// ---- conditions

bool Condition::everything() const {
    return protocols.all() && source_ports.all() && destination_ports.all() && icmp_types.all() &&
           from.anywhere() && to.anywhere();
}

bool Condition::nothing() const {
    if (protocols.none() || source_ports.none() || destination_ports.none() || from.nowhere() || to.nowhere())
        return true;
    return icmp_types.none() && (protocols & ~std::bitset<256>().set(IPPROTO_ICMPV6)).none();
}

Condition both(const Condition& a, const Condition& b) {
    Condition result = a;
    result.protocols &= b.protocols;
    result.icmp_types &= b.icmp_types;
    result.source_ports = a.source_ports.both(b.source_ports);
    result.destination_ports = a.destination_ports.both(b.destination_ports);
    add(&result.unclear, b.unclear);
    result.from = both(a.from, b.from, &result.unclear);
    result.to = both(a.to, b.to, &result.unclear);
    if (a.rate && b.rate) result.unclear.emplace_back("two limits on one packet");
    if (!result.rate) result.rate = b.rate;
    return result;
}

bool overlap(const Condition& a, const Condition& b) { return !both(a, b).nothing(); }

// ---- prefixes

std::vector<Ipv6Prefix> prefixes_of_range(Ipv6Address first, const Ipv6Address& last) {
    std::vector<Ipv6Prefix> result;
    while (first <= last) {
        unsigned length = 128;
        while (length > 0) {
            const Ipv6Prefix wider = Ipv6Prefix::containing(first, length - 1);
            if (wider.first() != first || wider.last() > last) break;
            --length;
        }
        const Ipv6Prefix prefix = Ipv6Prefix::containing(first, length);
        result.push_back(prefix);
        const Ipv6Address end = prefix.last();
        if (end.lo == ~0ull && end.hi == ~0ull) break;
        first = {end.hi + (end.lo == ~0ull ? 1 : 0), end.lo + 1};
    }
    return result;
}

// Prefixes of one first address sort by length: the widest is first, and holds those that follow it.
std::vector<Ipv6Prefix> without_repeats(std::vector<Ipv6Prefix> prefixes) {
    std::ranges::sort(prefixes);
    std::vector<Ipv6Prefix> result;
    for (const Ipv6Prefix& prefix : prefixes)
        if (result.empty() || !holds(result.back(), prefix)) result.push_back(prefix);
    return result;
}

}  // namespace dishwall::import
