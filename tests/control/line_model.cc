// SPDX-License-Identifier: BSD-3-Clause
#include "tests/control/line_model.h"

#include <algorithm>

namespace dishwall {
namespace {

bool is_live(dw_prefix_state state) { return state == DW_PREFIX_PREFERRED || state == DW_PREFIX_DEPRECATED; }

}  // namespace

const std::vector<Watched>& watched() {
    static const std::vector<Watched> kAll = {
        {0, pfx("2001:db8:100::/56")}, {0, pfx("2001:db8:100:10::/60")}, {0, pfx("2001:db8:200::/48")},
        {0, pfx("2001:db8:200::/56")}, {0, pfx("2001:db8:200:20::/64")}, {1, pfx("2001:db8:f1::/64")},
        {1, pfx("2001:db8:f2::/64")},  {1, pfx("2001:db8:f3::/64")}};
    return kAll;
}

// ---- events

void LineModel::see(const World& world) {
    ++events_;
    seen_ = world;
    const std::vector<Route> before = std::exchange(routes_, {});
    for (const RouteFact& fact : world.routes) {
        if (!is_mine(fact)) continue;
        const auto known = std::ranges::find(before, fact, &Route::fact);
        routes_.push_back({fact, known == before.end() ? events_ : known->since});
    }
    for (const Route& gone : before)
        if (!routed(gone.fact.prefix)) new_lease_[gone.fact.prefix] = history_.size();
}

void LineModel::route_told_again(const RouteFact& route) {
    if (is_mine(route)) new_lease_[route.prefix] = history_.size();
}

void LineModel::tell(const Ipv6Prefix& prefix, int valid_until, int preferred_until) {
    told_[prefix] = {valid_until, preferred_until};
}

void LineModel::end(const Ipv6Prefix& prefix) {
    told_.erase(prefix);
    told_ended_[prefix] = ++events_;
}

bool LineModel::withdraw(const std::optional<Ipv6Prefix>& prefix) {
    bool any = false;
    for (const Watched& p : watched()) {
        if (!told_.contains(p.prefix) || (prefix && *prefix != p.prefix)) continue;
        end(p.prefix);
        any = true;
    }
    return any;
}

void LineModel::boot(int down_at, int real, std::optional<int> passed) {
    see(World{});  // nothing in the kernel outlives it
    const auto moved = [&](int end) {
        if (end == kForever) return end;
        return down_at + real + std::max(end - down_at, 0) - passed.value_or(0);
    };
    std::erase_if(told_, [&](const auto& told) { return !passed && told.second.valid_until != kForever; });
    for (auto& [prefix, told] : told_) told = {moved(told.valid_until), moved(told.preferred_until)};
}

// ---- what the facts carry

bool LineModel::routed(const Ipv6Prefix& prefix) const {
    return std::ranges::any_of(routes_, [&](const Route& route) { return route.fact.prefix == prefix; });
}

std::vector<World::Address> LineModel::valid_in(const Watched& p, int now) const {
    std::vector<World::Address> all;
    for (const World::Address& a : seen_.addresses) {
        const bool counts = p.source == 0 || (a.line == line_ && seen_.lines[line_].present);
        if (counts && p.prefix.contains(a.address) && a.valid_until > now) all.push_back(a);
    }
    return all;
}

// The lease is what the addresses said when there last were some, if the route was there ever since.
bool LineModel::lease_is_over(std::size_t p, int now) const {
    const auto renewed = new_lease_.find(watched()[p].prefix);
    const std::size_t oldest = renewed == new_lease_.end() ? 0 : renewed->second;
    for (std::size_t k = history_.size(); k > oldest && history_[k - 1].routed[p]; --k)
        if (const auto& end = history_[k - 1].addressed[p]) return *end <= now;
    return false;
}

dw_prefix_state LineModel::carried(std::size_t p, int now) const {
    const Watched& one = watched()[p];
    const std::vector<World::Address> addresses = valid_in(one, now);
    bool there = !addresses.empty();
    if (one.source == 0 && !told_.empty()) {
        const auto told = told_.find(one.prefix);
        if (told == told_.end()) return DW_PREFIX_NONE;
        return told->second.preferred_until > now ? DW_PREFIX_PREFERRED : DW_PREFIX_DEPRECATED;
    }
    if (one.source == 0) {
        const auto ended = told_ended_.find(one.prefix);
        there = std::ranges::any_of(routes_, [&](const Route& route) {
            return route.fact.prefix == one.prefix &&
                   (ended == told_ended_.end() || route.since > ended->second);
        });
        there = there && !(addresses.empty() && lease_is_over(p, now));
    }
    if (!there) return DW_PREFIX_NONE;
    const bool preferred = addresses.empty() || std::ranges::any_of(addresses, [&](const World::Address& a) {
                               return a.preferred_until > now;
                           });
    return preferred ? DW_PREFIX_PREFERRED : DW_PREFIX_DEPRECATED;
}

// ---- history

void LineModel::observe(int now, int since_last) {
    if (!history_.empty()) history_.back().seconds_to_next = since_last;
    std::vector<Ipv6Prefix> over;
    for (const auto& [prefix, told] : told_)
        if (told.valid_until <= now) over.push_back(prefix);
    for (const Ipv6Prefix& prefix : over) end(prefix);

    Observation made;
    made.up = seen_.lines[line_].up();
    for (std::size_t p = 0; p < watched().size(); ++p) {
        made.carried.push_back(carried(p, now));
        made.routed.push_back(watched()[p].source == 0 && routed(watched()[p].prefix));
        made.addressed.emplace_back();
        for (const World::Address& a : valid_in(watched()[p], now))
            made.addressed[p] = std::max(a.valid_until, made.addressed[p].value_or(0));
    }
    history_.push_back(std::move(made));
}

dw_prefix_state LineModel::state(std::size_t p) const {
    if (is_live(history_.back().carried[p])) return history_.back().carried[p];
    int used = 0;
    for (std::size_t k = history_.size(); k-- > 0;) {
        const Observation& then = history_[k];
        if (is_live(then.carried[p])) return DW_PREFIX_GRACE;
        for (std::size_t q = 0; q < watched().size(); ++q)  // inside a live one: ended at once
            if (q != p && is_live(then.carried[q]) &&
                watched()[q].prefix.length() <= watched()[p].prefix.length() &&
                watched()[q].prefix.contains(watched()[p].prefix.first()))
                return DW_PREFIX_NONE;
        if (k > 0 && history_[k - 1].up && !is_live(history_[k - 1].carried[p]))
            used += history_[k - 1].seconds_to_next;
        if (used >= kModelGrace) return DW_PREFIX_NONE;
    }
    return DW_PREFIX_NONE;
}

std::vector<LivePrefix> LineModel::live() const {
    std::vector<LivePrefix> all;
    for (std::size_t p = 0; p < watched().size(); ++p) {
        const Watched& one = watched()[p];
        const dw_prefix_state now = state(p);
        if (now != DW_PREFIX_NONE) all.push_back({one.prefix, one.source, now, one.source == 1});
    }
    std::ranges::sort(all, {}, [](const LivePrefix& p) { return std::pair(p.source, p.prefix); });
    return all;
}

// ---- the two invariants

bool LineModel::must_be_live(const Watched& p, int now) const {
    if (p.source == 1) return !valid_in(p, now).empty();
    if (const auto told = told_.find(p.prefix); told != told_.end()) return told->second.valid_until > now;
    return told_.empty() && routed(p.prefix) && !valid_in(p, now).empty() && !told_ended_.contains(p.prefix);
}

bool LineModel::may_be_live(const Watched& p, int now) const {
    if (p.source == 1) return !valid_in(p, now).empty();
    const auto told = told_.find(p.prefix);
    return (told != told_.end() && told->second.valid_until > now) || routed(p.prefix);
}

}  // namespace dishwall
