// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/prefix_tracker.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace dishwall {
namespace {

constexpr unsigned kShortest = 48, kLongest = 64;  // of a prefix that can be ours

// 2000::/3, the only part of the address space that an Internet line hands out.
bool is_global_unicast(const Ipv6Address& address) { return address.hi >> 61 == 1; }

bool is_over(const std::optional<MonotonicTime>& until, MonotonicTime now) { return until && *until <= now; }

bool is_preferred(const AddressFact& address, MonotonicTime now) {
    return !address.deprecated && !is_over(address.preferred_until, now);
}

// The later of two ends; an empty one is forever.
std::optional<MonotonicTime> later(const std::optional<MonotonicTime>& a,
                                   const std::optional<MonotonicTime>& b) {
    if (!a || !b) return std::nullopt;
    return std::max(*a, *b);
}

bool covers(const Ipv6Prefix& outer, const Ipv6Prefix& inner) {
    return outer.length() <= inner.length() && outer.contains(inner.first());
}

}  // namespace

const char* to_string(LineChange::Kind kind) {
    constexpr const char* kNames[] = {"added", "preferred", "deprecated", "withdrawn",    "returned",
                                      "gone",  "no-room",   "self-added", "self-removed", "mac-changed"};
    return kNames[static_cast<std::size_t>(kind)];
}

PrefixTracker::PrefixTracker(const Uplink& uplink)
    : uplink_name_(uplink.name),
      interface_(uplink.interface),
      sources_(uplink.sources),
      grace_(std::chrono::seconds(uplink.grace_s)) {}

// ---- facts

void PrefixTracker::set_link(const LinkFact& link) { links_[link.index] = link; }

void PrefixTracker::remove_link(unsigned index) {
    links_.erase(index);
    std::erase_if(addresses_, [index](const auto& item) { return item.second.link == index; });
}

void PrefixTracker::set_address(const AddressFact& address) {
    addresses_[{address.link, address.address}] = address;
}

void PrefixTracker::remove_address(unsigned link, const Ipv6Address& address) {
    addresses_.erase({link, address});
}

void PrefixTracker::set_route(const RouteFact& route) { routes_.insert(route); }

void PrefixTracker::remove_route(const RouteFact& route) { routes_.erase(route); }

void PrefixTracker::forget_facts() {
    links_.clear();
    addresses_.clear();
    routes_.clear();
}

std::optional<LinkFact> PrefixTracker::uplink() const {
    for (const auto& [index, link] : links_)
        if (link.name == interface_) return link;
    return std::nullopt;
}

bool PrefixTracker::line_up() const {
    const std::optional<LinkFact> link = uplink();
    return link && link->up;
}

// ---- facts -> prefixes

std::set<Ipv6Prefix> PrefixTracker::on_interface(const std::string& interface, bool only_64,
                                                 MonotonicTime now) const {
    std::set<Ipv6Prefix> found;
    for (const auto& [key, fact] : addresses_) {
        const auto link = links_.find(fact.link);
        if (link == links_.end() || link->second.name != interface) continue;
        if (!is_global_unicast(fact.address) || is_over(fact.valid_until, now)) continue;
        // A longer length says that the rest of the /64 is not on that link.
        if (fact.length > kLongest || (only_64 && fact.length != kLongest)) continue;
        found.insert(Ipv6Prefix::containing(fact.address, kLongest));
    }
    return found;
}

std::set<Ipv6Prefix> PrefixTracker::prefixes_of(const PrefixSource& source, MonotonicTime now) const {
    if (const auto* fixed = std::get_if<Static>(&source.from)) return {fixed->prefix};
    if (const auto* lan = std::get_if<FromAddresses>(&source.from))
        return on_interface(lan->interface, false, now);
    if (std::holds_alternative<FromRouterAdvertisement>(source.from))
        return on_interface(interface_, true, now);

    std::set<Ipv6Prefix> delegated;
    for (const RouteFact& route : routes_) {
        const unsigned length = route.prefix.length();
        if (length >= kShortest && length <= kLongest && is_global_unicast(route.prefix.first()))
            delegated.insert(route.prefix);
    }
    return delegated;
}

// A prefix is as preferred as the best of the addresses made from it, and preferred if there is none.
PrefixTracker::Found PrefixTracker::lifetimes_within(const Ipv6Prefix& prefix, MonotonicTime now) const {
    std::optional<Found> best;
    for (const auto& [key, fact] : addresses_) {
        if (!prefix.contains(fact.address) || is_over(fact.valid_until, now)) continue;
        const bool preferred = is_preferred(fact, now);
        if (!best) {
            best = Found{preferred, fact.valid_until, fact.preferred_until};
            continue;
        }
        best->preferred |= preferred;
        best->valid_until = later(best->valid_until, fact.valid_until);
        best->preferred_until = later(best->preferred_until, fact.preferred_until);
    }
    return best.value_or(Found{.preferred = true, .valid_until = {}, .preferred_until = {}});
}

std::map<PrefixTracker::Key, PrefixTracker::Found> PrefixTracker::derive(MonotonicTime now) const {
    std::map<Key, Found> found;
    for (unsigned source = 0; source < sources_.size(); ++source) {
        const bool fixed = std::holds_alternative<Static>(sources_[source].from);
        for (const Ipv6Prefix& prefix : prefixes_of(sources_[source], now))
            found[{source, prefix}] = fixed
                                          ? Found{.preferred = true, .valid_until = {}, .preferred_until = {}}
                                          : lifetimes_within(prefix, now);
    }
    return found;
}

std::vector<Ipv6Address> PrefixTracker::self_addresses() const {
    constexpr Ipv6Address kLoopback{0, 1};
    std::set<Ipv6Address> self;
    for (const auto& [key, fact] : addresses_)
        if (fact.address != kLoopback && !fact.duplicate) self.insert(fact.address);
    return {self.begin(), self.end()};
}

// ---- prefixes -> states

std::vector<LineChange> PrefixTracker::settle(MonotonicTime now) {
    Changes changes;
    run_grace(now, &changes);
    const std::map<Key, Found> found = derive(now);
    apply(found, &changes);
    withdraw_missing(found, &changes);
    drop_covered(&changes);
    make_room(&changes);
    publish(&changes);
    settled_ = now;
    timers_ran_ = line_up();
    return changes;
}

// What passed since the last settle counts as the line was then: a change of it is an event and settles.
void PrefixTracker::run_grace(MonotonicTime now, Changes* changes) {
    if (!timers_ran_ || !settled_) return;
    for (auto it = entries_.begin(); it != entries_.end();) {
        Entry& entry = it->second;
        if (entry.state == DW_PREFIX_GRACE) entry.grace_left -= now - *settled_;
        const bool over = entry.state == DW_PREFIX_GRACE && entry.grace_left.count() <= 0;
        if (over) changes->push_back(change(LineChange::Kind::gone, it->first, entry, "is gone"));
        it = over ? entries_.erase(it) : std::next(it);
    }
}

void PrefixTracker::apply(const std::map<Key, Found>& found, Changes* changes) {
    for (const auto& [key, facts] : found) {
        Entry& entry = entries_[key];
        const dw_prefix_state before = entry.state;
        entry.state = facts.preferred ? DW_PREFIX_PREFERRED : DW_PREFIX_DEPRECATED;
        entry.found = facts;
        if (before == DW_PREFIX_NONE) entry.order = next_order_++;
        if (!entry.served || before == entry.state) continue;
        if (before == DW_PREFIX_GRACE)
            changes->push_back(change(LineChange::Kind::returned, key, entry, "is back"));
        else if (facts.preferred)
            changes->push_back(change(LineChange::Kind::preferred, key, entry, "is preferred again"));
        else
            changes->push_back(change(LineChange::Kind::deprecated, key, entry, "is deprecated"));
    }
}

void PrefixTracker::withdraw_missing(const std::map<Key, Found>& found, Changes* changes) {
    for (auto it = entries_.begin(); it != entries_.end();) {
        auto& [key, entry] = *it;
        if (found.contains(key) || entry.state == DW_PREFIX_GRACE) {
            ++it;
            continue;
        }
        if (grace_.count() > 0 && entry.served) {
            entry.state = DW_PREFIX_GRACE;
            entry.grace_left = grace_;
            const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(grace_).count();
            changes->push_back(change(LineChange::Kind::withdrawn, key, entry,
                                      fmt::format("is withdrawn, open flows live on for {} s", seconds)));
            ++it;
        } else {
            changes->push_back(change(LineChange::Kind::gone, key, entry, "is gone"));
            it = entries_.erase(it);
        }
    }
}

// A withdrawn /60 inside a live /56 would take its packets, since the longest match wins, and keep what the
// new delegation publishes there closed. Flows that still fit are carried by the live prefix.
void PrefixTracker::drop_covered(Changes* changes) {
    const auto cover = [this](const Key& inner) -> const Key* {
        for (const auto& [key, entry] : entries_)
            if (entry.state != DW_PREFIX_GRACE && covers(key.prefix, inner.prefix)) return &key;
        return nullptr;
    };
    for (auto it = entries_.begin(); it != entries_.end();) {
        const Key* outer = it->second.state == DW_PREFIX_GRACE ? cover(it->first) : nullptr;
        if (!outer) {
            ++it;
            continue;
        }
        changes->push_back(change(LineChange::Kind::gone, it->first, it->second,
                                  fmt::format("is gone, now part of {} ({})", to_string(outer->prefix),
                                              source_name(outer->source))));
        it = entries_.erase(it);
    }
}

// All prefixes, the ones to keep first: preferred, deprecated, grace. A neighbour on the dish segment can
// announce any number of on-link prefixes, so those give way to a delegation, and new ones to old ones (R6).
std::vector<std::map<PrefixTracker::Key, PrefixTracker::Entry>::iterator> PrefixTracker::by_worth() {
    using Iterator = std::map<Key, Entry>::iterator;
    const auto rank = [this](const Iterator& it) {
        const auto& [key, entry] = *it;
        const auto age = static_cast<std::int64_t>(entry.order);
        if (entry.state == DW_PREFIX_GRACE)
            return std::tuple(3, -std::int64_t{entry.grace_left.count()}, -age);
        if (entry.state == DW_PREFIX_DEPRECATED) return std::tuple(2, std::int64_t{0}, -age);
        return std::tuple(live(key, entry).onlink ? 1 : 0, std::int64_t{0}, age);
    };
    std::vector<Iterator> all;
    for (auto it = entries_.begin(); it != entries_.end(); ++it) all.push_back(it);
    std::sort(all.begin(), all.end(),
              [&rank](const Iterator& a, const Iterator& b) { return rank(a) < rank(b); });
    return all;
}

void PrefixTracker::make_room(Changes* changes) {
    std::size_t position = 0;
    for (const auto& it : by_worth()) {
        auto& [key, entry] = *it;
        const bool fits = position++ < DW_PREFIXES;
        const bool was_served = std::exchange(entry.served, fits);
        const bool was_announced = std::exchange(entry.announced, true);
        if (fits && !was_served) {
            const char* text = entry.state == DW_PREFIX_DEPRECATED ? "is new and deprecated" : "is new";
            changes->push_back(change(LineChange::Kind::added, key, entry, text));
        } else if (!fits && entry.state == DW_PREFIX_GRACE) {
            changes->push_back(
                change(LineChange::Kind::gone, key, entry,
                       fmt::format("is gone before its time: {} prefixes are newer", DW_PREFIXES)));
            entries_.erase(it);
        } else if (!fits && (was_served || !was_announced)) {
            changes->push_back(
                change(LineChange::Kind::no_room, key, entry,
                       fmt::format("has no room beside {} others and is not ours", DW_PREFIXES)));
        }
    }
}

void PrefixTracker::publish(Changes* changes) {
    Own now{{}, self_addresses(), uplink().value_or(LinkFact{}).mac};
    for (const auto& [key, entry] : entries_)
        if (entry.served) now.prefixes.push_back(live(key, entry));

    const auto tell = [changes](LineChange::Kind kind, const std::vector<Ipv6Address>& addresses,
                                const char* what) {
        for (const Ipv6Address& address : addresses)
            changes->push_back({kind, "", LivePrefix{.prefix = Ipv6Prefix::containing(address, 128)},
                                fmt::format("address {} {}", to_string(address), what)});
    };
    std::vector<Ipv6Address> came, went;
    std::ranges::set_difference(now.self, own_.self, std::back_inserter(came));
    std::ranges::set_difference(own_.self, now.self, std::back_inserter(went));
    tell(LineChange::Kind::self_added, came, "is this box's");
    tell(LineChange::Kind::self_removed, went, "is no longer this box's");
    if (now.mac != own_.mac)
        changes->push_back(
            {LineChange::Kind::mac_changed, "", LivePrefix{},
             fmt::format("the MAC address of {} is {:02x}", interface_, fmt::join(now.mac, ":"))});
    own_ = std::move(now);
}

// ---- views

std::optional<MonotonicTime> PrefixTracker::deadline() const {
    std::optional<MonotonicTime> first;
    const auto consider = [&](const std::optional<MonotonicTime>& at) {
        if (at && (!settled_ || *at > *settled_) && (!first || *at < *first)) first = at;
    };
    for (const auto& [key, fact] : addresses_) {
        consider(fact.valid_until);
        if (!fact.deprecated) consider(fact.preferred_until);
    }
    if (timers_ran_ && settled_)
        for (const auto& [key, entry] : entries_)
            if (entry.state == DW_PREFIX_GRACE) consider(*settled_ + entry.grace_left);
    return first;
}

std::vector<PrefixStatus> PrefixTracker::list() const {
    std::vector<PrefixStatus> all;
    for (const auto& [key, entry] : entries_) {
        PrefixStatus& status = all.emplace_back();
        status.source = source_name(key.source);
        status.live = live(key, entry);
        status.served = entry.served;
        if (entry.state == DW_PREFIX_GRACE) {
            if (timers_ran_ && settled_)
                status.grace_until = *settled_ + entry.grace_left;
            else
                status.grace_left = entry.grace_left;
        } else {
            status.valid_until = entry.found.valid_until;
            status.preferred_until = entry.found.preferred_until;
        }
    }
    return all;
}

LivePrefix PrefixTracker::live(const Key& key, const Entry& entry) const {
    const bool onlink = std::holds_alternative<FromRouterAdvertisement>(sources_[key.source].from);
    return {key.prefix, key.source, entry.state, onlink};
}

std::string PrefixTracker::source_name(unsigned source) const {
    return uplink_name_ + "." + sources_[source].name;
}

LineChange PrefixTracker::change(LineChange::Kind kind, const Key& key, const Entry& entry,
                                 const std::string& what) const {
    return {kind, source_name(key.source), live(key, entry),
            fmt::format("{}: {} {}", source_name(key.source), to_string(key.prefix), what)};
}

}  // namespace dishwall
