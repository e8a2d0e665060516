// SPDX-License-Identifier: BSD-3-Clause
//
// The facts, and which prefixes they carry. A route gives a delegation its life and the addresses made from
// it its lifetimes, but a client that dies leaves its route behind: the lease is remembered by the end of the
// last address, and what was told by hand and has ended takes the routes that stood then with it.
#include <algorithm>

#include "control/line/carrier.h"
#include "control/line/prefix_tracker.h"

namespace dishwall {
namespace {

constexpr unsigned kShortest = 48, kLongest = 64;  // of a prefix that can be ours

// 2000::/3, the only part of the address space that an Internet line hands out.
bool is_global_unicast(const Ipv6Address& address) { return address.hi >> 61 == 1; }

bool can_be_ours(const Ipv6Prefix& prefix) {
    return prefix.length() >= kShortest && prefix.length() <= kLongest && is_global_unicast(prefix.first());
}

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

// A `from dhcpv6-pd` source with a metric sees only the routes of its own client.
bool is_of(const PrefixSource& source, const RouteFact& route) {
    const auto* delegated = std::get_if<FromDhcpv6Pd>(&source.from);
    return delegated && can_be_ours(route.prefix) &&
           (!delegated->metric || *delegated->metric == route.metric);
}

}  // namespace

// ---- facts

void PrefixTracker::set_link(const LinkFact& link) { links_[link.index] = link; }

void PrefixTracker::remove_link(unsigned index) {
    links_.erase(index);
    router_advertised_.erase(index);
    std::erase_if(addresses_, [index](const auto& item) { return item.second.link == index; });
    std::erase_if(ipv4_, [index](const auto& item) { return item.first == index; });
}

void PrefixTracker::set_address(const AddressFact& address) {
    addresses_[{address.link, address.address}] = address;
}

void PrefixTracker::remove_address(unsigned link, const Ipv6Address& address) {
    addresses_.erase({link, address});
}

// A route told again outside a dump was set again by a living client, so the lease no longer counts as over.
void PrefixTracker::set_route(const RouteFact& route) {
    if (!routes_.insert(route).second) forget_leases(route, false);
}

void PrefixTracker::remove_route(const RouteFact& route) {
    routes_.erase(route);
    forget_leases(route, true);
    if (std::erase_if(spent_, [&](const auto& spent) { return spent.second == route; }) > 0) ++state_version_;
}

void PrefixTracker::set_ipv4(unsigned link, std::uint32_t address, unsigned length) {
    remove_ipv4(link, address);
    ipv4_.insert({link, {address, length}});
}

void PrefixTracker::remove_ipv4(unsigned link, std::uint32_t address) {
    std::erase_if(ipv4_,
                  [&](const auto& item) { return item.first == link && item.second.address == address; });
}

void PrefixTracker::note_router_advertisement(unsigned link, MonotonicTime at) {
    MonotonicTime& heard = router_advertised_.try_emplace(link, at).first->second;
    heard = std::max(heard, at);
}

void PrefixTracker::forget_facts() {
    links_.clear();
    addresses_.clear();
    ipv4_.clear();
    routes_.clear();
}

bool PrefixTracker::is_routed(const Key& key) const {
    for (auto it = routes_.lower_bound(RouteFact{key.prefix, 0, 0}); it != routes_.end(); ++it) {
        if (it->prefix != key.prefix) return false;
        if (is_of(sources_[key.source], *it)) return true;
    }
    return false;
}

void PrefixTracker::forget_leases(const RouteFact& route, bool unless_routed) {
    for (unsigned source = 0; source < sources_.size(); ++source) {
        const Key key{source, route.prefix};
        if (is_of(sources_[source], route) && !(unless_routed && is_routed(key))) leases_.erase(key);
    }
}

bool PrefixTracker::is_on(const AddressFact& fact, const std::string& interface) const {
    const auto link = links_.find(fact.link);
    return link != links_.end() && link->second.name == interface;
}

std::optional<LinkFact> PrefixTracker::uplink() const {
    for (const auto& [index, link] : links_)
        if (link.name == interface_) return link;
    return std::nullopt;
}

std::vector<Ipv4Fact> PrefixTracker::uplink_ipv4() const {
    std::vector<Ipv4Fact> all;
    const unsigned index = uplink().value_or(LinkFact{}).index;
    for (const auto& [link, fact] : ipv4_)
        if (link == index) all.push_back(fact);
    return all;
}

bool PrefixTracker::line_up() const {
    const std::optional<LinkFact> link = uplink();
    return link && link->up && ipv4_of_line(uplink_ipv4()).state != LineIpv4::State::dish_not_connected;
}

LineFacts PrefixTracker::line_facts() const {
    LineFacts facts{uplink(), interface_, uplink_ipv4(), {}, list()};
    const auto heard = router_advertised_.find(facts.uplink.value_or(LinkFact{}).index);
    if (heard != router_advertised_.end()) facts.router_advertised = heard->second;
    return facts;
}

std::vector<Ipv6Address> PrefixTracker::self_addresses() const {
    constexpr Ipv6Address kLoopback{0, 1};
    std::set<Ipv6Address> self;
    for (const auto& [key, fact] : addresses_)
        if (fact.address != kLoopback && !fact.duplicate) self.insert(fact.address);
    return {self.begin(), self.end()};
}

// ---- told by hand

Result<unsigned> PrefixTracker::source_told_as(const std::string& name) const {
    std::string others;
    for (unsigned source = 0; source < sources_.size(); ++source) {
        const bool delegated = std::holds_alternative<FromDhcpv6Pd>(sources_[source].from);
        if (delegated) others += (others.empty() ? "" : ", ") + source_name(source);
        if (source_name(source) != name) continue;
        if (!delegated) return fail("{} is not `from dhcpv6-pd`: only such a prefix can be told", name);
        return source;
    }
    if (others.empty()) return fail("no prefix is called {}, and none is `from dhcpv6-pd`", name);
    return fail("no prefix is called {}; these can be told: {}", name, others);
}

Result<void> PrefixTracker::set_told(const std::string& source, const Ipv6Prefix& prefix,
                                     std::optional<MonotonicTime> valid_until,
                                     std::optional<MonotonicTime> preferred_until) {
    const Result<unsigned> number = source_told_as(source);
    if (!number) return tl::unexpected(number.error());
    if (!can_be_ours(prefix))
        return fail("{} cannot be a delegation: it needs a length from /{} to /{} inside 2000::/3",
                    to_string(prefix), kShortest, kLongest);
    if (valid_until && (!preferred_until || *preferred_until > *valid_until))
        return fail("{} cannot be preferred for longer than it is valid", to_string(prefix));

    told_[{*number, prefix}] = Told{valid_until, preferred_until, next_order_++};
    ++state_version_;
    // A hook that never withdraws must not keep the newest out: the one told longest ago gives way.
    std::vector<std::pair<std::uint64_t, Key>> by_age;
    for (const auto& [key, told] : told_)
        if (key.source == *number) by_age.emplace_back(told.order, key);
    if (by_age.size() > DW_PREFIXES) end_told(std::ranges::min(by_age).second);
    return {};
}

Result<void> PrefixTracker::withdraw_told(const std::string& source,
                                          const std::optional<Ipv6Prefix>& prefix) {
    const Result<unsigned> number = source_told_as(source);
    if (!number) return tl::unexpected(number.error());
    std::vector<Key> ended;
    for (const auto& [key, told] : told_)
        if (key.source == *number && (!prefix || key.prefix == *prefix)) ended.push_back(key);
    if (ended.empty())
        return fail("nothing to withdraw: {} is not told for {}",
                    prefix ? to_string(*prefix) : std::string("a prefix"), source);
    for (const Key& key : ended) end_told(key);
    return {};
}

void PrefixTracker::end_told(const Key& key) {
    told_.erase(key);
    ++state_version_;
    for (const RouteFact& route : routes_)
        if (route.prefix == key.prefix && is_of(sources_[key.source], route))
            spent_.insert({key.source, route});
}

void PrefixTracker::end_old_told(MonotonicTime now) {
    std::vector<Key> over;
    for (const auto& [key, told] : told_)
        if (is_over(told.valid_until, now)) over.push_back(key);
    for (const Key& key : over) end_told(key);
}

// ---- facts -> prefixes

// The later of the addresses' ends, or forever. Without `interface`: of addresses anywhere on this box.
std::optional<PrefixTracker::Found> PrefixTracker::lifetimes_within(const Ipv6Prefix& prefix,
                                                                    const std::string& interface,
                                                                    MonotonicTime now) const {
    std::optional<Found> best;
    for (const auto& [key, fact] : addresses_) {
        if (!prefix.contains(fact.address) || is_over(fact.valid_until, now)) continue;
        if (!interface.empty() && !is_on(fact, interface)) continue;
        const bool preferred = is_preferred(fact, now);
        if (!best) {
            best = Found{preferred, fact.valid_until, fact.preferred_until};
            continue;
        }
        best->preferred |= preferred;
        best->valid_until = later(best->valid_until, fact.valid_until);
        best->preferred_until = later(best->preferred_until, fact.preferred_until);
    }
    return best;
}

// After a dump, which tells no removals, this is where leases and spent routes of routes that went are found.
void PrefixTracker::keep_leases(MonotonicTime now) {
    std::erase_if(leases_, [this](const auto& lease) { return !is_routed(lease.first); });
    if (std::erase_if(spent_, [this](const auto& spent) { return !routes_.contains(spent.second); }) > 0)
        ++state_version_;
    for (const RouteFact& route : routes_)
        for (unsigned source = 0; source < sources_.size(); ++source) {
            if (!is_of(sources_[source], route)) continue;
            const std::optional<Found> found = lifetimes_within(route.prefix, "", now);
            if (found && found->valid_until) leases_[{source, route.prefix}] = *found->valid_until;
            if (found && !found->valid_until) leases_.erase({source, route.prefix});
        }
}

PrefixTracker::FoundPrefixes PrefixTracker::derive(MonotonicTime now) const {
    FoundPrefixes found;
    for (unsigned source = 0; source < sources_.size(); ++source) {
        const auto& from = sources_[source].from;
        if (const auto* fixed = std::get_if<Static>(&from))
            found[{source, fixed->prefix}] =
                Found{.preferred = true, .valid_until = {}, .preferred_until = {}};
        else if (const auto* lan = std::get_if<FromAddresses>(&from))
            derive_addresses(source, lan->interface, now, &found);
        else if (std::holds_alternative<FromRouterAdvertisement>(from))
            derive_addresses(source, interface_, now, &found);
        else if (std::ranges::any_of(told_, [=](const auto& told) { return told.first.source == source; }))
            derive_told(source, now, &found);
        else
            derive_routes(source, now, &found);
    }
    return found;
}

void PrefixTracker::derive_told(unsigned source, MonotonicTime now, FoundPrefixes* found) const {
    for (const auto& [key, told] : told_)
        if (key.source == source)
            (*found)[key] =
                Found{!is_over(told.preferred_until, now), told.valid_until, told.preferred_until, true};
}

// A delegation is as preferred as the best of the addresses made from it, and preferred if there is none.
void PrefixTracker::derive_routes(unsigned source, MonotonicTime now, FoundPrefixes* found) const {
    for (const RouteFact& route : routes_) {
        if (!is_of(sources_[source], route) || spent_.contains({source, route})) continue;
        Found one{.preferred = true, .valid_until = {}, .preferred_until = {}};
        const auto lease = leases_.find({source, route.prefix});
        if (lease != leases_.end()) one.valid_until = lease->second;
        if (const auto within = lifetimes_within(route.prefix, "", now)) one = *within;
        if (!is_over(one.valid_until, now)) (*found)[{source, route.prefix}] = one;
    }
}

void PrefixTracker::derive_addresses(unsigned source, const std::string& interface, MonotonicTime now,
                                     FoundPrefixes* found) const {
    const bool only_64 = std::holds_alternative<FromRouterAdvertisement>(sources_[source].from);
    for (const auto& [key, fact] : addresses_) {
        if (!is_on(fact, interface) || !is_global_unicast(fact.address)) continue;
        // A longer length says that the rest of the /64 is not on that link.
        if (is_over(fact.valid_until, now) || fact.length > kLongest) continue;
        if (only_64 && fact.length != kLongest) continue;
        const Ipv6Prefix prefix = Ipv6Prefix::containing(fact.address, kLongest);
        (*found)[{source, prefix}] = lifetimes_within(prefix, interface, now).value();
    }
}

}  // namespace dishwall
