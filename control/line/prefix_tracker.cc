// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/prefix_tracker.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace dishwall {
namespace {

bool is_delegation(const PrefixSource& source) { return std::holds_alternative<FromDhcpv6Pd>(source.from); }

bool covers(const Ipv6Prefix& outer, const Ipv6Prefix& inner) {
    return outer.length() <= inner.length() && outer.contains(inner.first());
}

}  // namespace

const char* to_string(LineChange::Kind kind) {
    constexpr const char* kNames[] = {"added",        "preferred",   "deprecated",   "withdrawn",
                                      "returned",     "gone",        "no-room",      "self-added",
                                      "self-removed", "mac-changed", "learnt-added", "learnt-removed"};
    return kNames[static_cast<std::size_t>(kind)];
}

PrefixTracker::PrefixTracker(const Uplink& uplink)
    : uplink_name_(uplink.name),
      interface_(uplink.interface),
      sources_(uplink.sources),
      grace_(std::chrono::seconds(uplink.grace_s)) {}

// ---- prefixes -> states

std::vector<LineChange> PrefixTracker::settle(MonotonicTime now) {
    now = std::max(now, settled_.value_or(now));
    Changes changes;
    run_grace(now, &changes);
    end_old_told(now);
    keep_leases(now);
    const FoundPrefixes found = derive(now);
    apply(found, &changes);
    withdraw_missing(found, &changes);
    drop_covered(&changes);
    make_room(&changes);
    publish(&changes);
    settled_ = now;
    const bool ran_before = std::exchange(timers_ran_, line_up());
    if (timers_ran_ != ran_before || std::ranges::any_of(changes, &LineChange::about_prefix))
        ++state_version_;
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

void PrefixTracker::apply(const FoundPrefixes& found, Changes* changes) {
    for (const auto& [key, facts] : found) {
        Entry& entry = entries_[key];
        const dw_prefix_state before = entry.state;
        entry.state = facts.preferred ? DW_PREFIX_PREFERRED : DW_PREFIX_DEPRECATED;
        entry.found = facts;
        if (before == DW_PREFIX_NONE || (before == DW_PREFIX_GRACE && is_delegation(sources_[key.source])))
            entry.order = next_order_++;
        if (!entry.served || before == entry.state) continue;
        if (before == DW_PREFIX_GRACE)
            changes->push_back(change(LineChange::Kind::returned, key, entry, "is back"));
        else if (facts.preferred)
            changes->push_back(change(LineChange::Kind::preferred, key, entry, "is preferred again"));
        else
            changes->push_back(change(LineChange::Kind::deprecated, key, entry, "is deprecated"));
    }
}

void PrefixTracker::withdraw_missing(const FoundPrefixes& found, Changes* changes) {
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

// All prefixes, the ones to keep first: static, delegations, what routers announce, grace. Of delegations the
// newest, since that is what hosts go over to, and a client may leave the old ones standing. A neighbour on
// the dish segment can announce any number of prefixes, so of those the oldest, behind the delegations (R6).
std::vector<std::map<PrefixTracker::Key, PrefixTracker::Entry>::iterator> PrefixTracker::by_worth() {
    using Iterator = std::map<Key, Entry>::iterator;
    const auto rank = [this](const Iterator& it) {
        const auto& [key, entry] = *it;
        const PrefixSource& source = sources_[key.source];
        const auto age = static_cast<std::int64_t>(entry.order);
        const int behind = entry.state == DW_PREFIX_DEPRECATED ? 1 : 0;
        if (entry.state == DW_PREFIX_GRACE)
            return std::tuple(5, -std::int64_t{entry.grace_left.count()}, -age);
        if (std::holds_alternative<Static>(source.from)) return std::tuple(0, std::int64_t{0}, age);
        if (is_delegation(source)) return std::tuple(1 + behind, std::int64_t{0}, -age);
        return std::tuple(3 + behind, std::int64_t{0}, age);
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
    for (const auto& [key, until] : leases_) consider(until);
    for (const auto& [key, told] : told_) {
        consider(told.valid_until);
        consider(told.preferred_until);
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
            status.told = entry.found.told;
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
