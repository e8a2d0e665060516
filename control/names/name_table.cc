// SPDX-License-Identifier: BSD-3-Clause
#include "control/names/name_table.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dishwall {
namespace {

using Kind = NameAnswer::Kind;

Ipv6Prefix prefix(const char* text) { return *parse_prefix(text); }

// Addresses that no peer on the Internet has. A name that says one of them is broken, or somebody's attempt
// to get a rule for this box's own services; blocking resolvers say :: for names that they do not like.
const char* why_unusable(const Ipv6Address& address) {
    static const struct {
        Ipv6Prefix prefix;
        const char* why;
    } kUnusable[] = {{prefix("::/128"), "the unspecified address"},
                     {prefix("::1/128"), "the loopback address"},
                     {prefix("::ffff:0:0/96"), "an IPv4 address"},
                     {prefix("fe80::/10"), "a link-local address"},
                     {prefix("ff00::/8"), "a multicast address"}};
    for (const auto& [range, why] : kUnusable)
        if (range.contains(address)) return why;
    return nullptr;
}

// Moves out what cannot be used, and returns words on it: "::1 (the loopback address)".
std::string remove_unusable(std::vector<Ipv6Address>* addresses) {
    std::string removed;
    std::erase_if(*addresses, [&](const Ipv6Address& address) {
        const char* why = why_unusable(address);
        if (why != nullptr)
            removed += fmt::format("{}{} ({})", removed.empty() ? "" : ", ", to_string(address), why);
        return why != nullptr;
    });
    return removed;
}

void sort_unique(std::vector<Ipv6Address>* addresses) {
    std::ranges::sort(*addresses);
    addresses->erase(std::unique(addresses->begin(), addresses->end()), addresses->end());
}

// Keeps those that are in use already, then the lowest; returns how many found no room.
std::size_t bound(std::vector<Ipv6Address>* addresses, const std::vector<Ipv6Address>& in_use) {
    if (addresses->size() <= NameTable::kAddresses) return 0;
    const std::size_t too_many = addresses->size() - NameTable::kAddresses;
    std::stable_partition(addresses->begin(), addresses->end(),
                          [&](const Ipv6Address& each) { return std::ranges::binary_search(in_use, each); });
    addresses->resize(NameTable::kAddresses);
    std::ranges::sort(*addresses);
    return too_many;
}

}  // namespace

void NameTable::follow(const std::set<std::string>& domains, MonotonicTime now) {
    std::erase_if(entries_, [&](const auto& entry) { return !domains.contains(entry.first); });
    for (const std::string& domain : domains) {
        const auto [at, fresh] = entries_.try_emplace(domain);
        if (fresh) at->second.ask_at = now;
    }
}

std::vector<std::string> NameTable::take_due(MonotonicTime now, std::size_t most) {
    std::vector<std::pair<MonotonicTime, std::string>> due;
    for (const auto& [domain, entry] : entries_)
        if (!entry.asking && entry.ask_at <= now) due.emplace_back(entry.ask_at, domain);
    std::ranges::sort(due);  // who waits longest goes first
    due.resize(std::min(due.size(), most));
    std::vector<std::string> domains;
    for (auto& [at, domain] : due) {
        entries_.at(domain).asking = true;
        domains.push_back(std::move(domain));
    }
    return domains;
}

NameNews NameTable::answered(const std::string& domain, NameAnswer answer, MonotonicTime now, UnixTime wall) {
    const auto at = entries_.find(domain);
    if (at == entries_.end()) return {};
    Entry* entry = &at->second;
    entry->asking = false;
    if (answer.kind != Kind::addresses) return take_failure(domain, entry, answer, now);

    std::vector<std::string> warnings;
    const std::string unusable = remove_unusable(&answer.addresses);
    if (!unusable.empty() && !entry->told_unusable)
        warnings.push_back(fmt::format("{}: {} is ignored: no peer has it", domain, unusable));
    entry->told_unusable = !unusable.empty();
    NameNews news;
    if (answer.addresses.empty()) {
        answer.error = unusable.empty() ? "the answer has no address" : "no usable address, only " + unusable;
        news = take_failure(domain, entry, answer, now);
    } else {
        news = take_addresses(domain, entry, std::move(answer), now, wall);
    }
    news.warnings.insert(news.warnings.begin(), warnings.begin(), warnings.end());
    return news;
}

NameNews NameTable::take_addresses(const std::string& domain, Entry* entry, NameAnswer answer,
                                   MonotonicTime now, UnixTime wall) {
    NameNews news;
    sort_unique(&answer.addresses);
    const std::size_t in_answer = answer.addresses.size();
    const std::size_t too_many = bound(&answer.addresses, entry->addresses);
    if (too_many > 0 && !entry->told_no_room)
        news.warnings.push_back(fmt::format("{}: has {} addresses, only {} are used: others stay closed",
                                            domain, in_answer, kAddresses));
    entry->told_no_room = too_many > 0;
    news.changed = entry->addresses != answer.addresses;
    entry->addresses = std::move(answer.addresses);
    entry->confirmed = true;
    entry->expires = now + std::clamp(answer.ttl, kShortestTtl, kLongestTtl);
    entry->resolved_at = wall;
    entry->error.clear();
    entry->failures = entry->denials = 0;
    entry->ask_at = entry->expires;
    return news;
}

NameNews NameTable::take_failure(const std::string& domain, Entry* entry, const NameAnswer& answer,
                                 MonotonicTime now) {
    NameNews news;
    if (entry->error != answer.error)
        news.warnings.push_back(fmt::format(
            "{}: {}; {}", domain, answer.error,
            entry->addresses.empty() ? "no address of it is known" : "its last addresses stay in use"));
    entry->error = answer.error;
    entry->ask_at = now + retry_.after(++entry->failures);
    if (answer.kind != Kind::denied) return news;
    if (entry->denials++ == 0) entry->denied_since = now;
    const bool surely = entry->denials >= kDenials && now - entry->denied_since >= kDenialTime;
    if (!surely || entry->addresses.empty()) return news;
    news.changed = true;
    news.warnings.push_back(
        fmt::format("{}: {}, for an hour now: its last addresses are given up", domain, answer.error));
    entry->addresses.clear();
    entry->resolved_at.reset();
    return news;
}

std::optional<MonotonicTime> NameTable::deadline() const {
    std::optional<MonotonicTime> first;
    for (const auto& [domain, entry] : entries_)
        if (!entry.asking && (!first || entry.ask_at < *first)) first = entry.ask_at;
    return first;
}

KnownName NameTable::known(const std::string& domain, MonotonicTime now) const {
    const auto at = entries_.find(domain);
    if (at == entries_.end()) return {};
    const Entry& entry = at->second;
    KnownName known{.addresses = entry.addresses, .resolved_at = entry.resolved_at, .error = entry.error};
    // The moment between the end of the TTL and the next answer is not worth a word.
    const bool past = now >= entry.expires && !entry.error.empty();
    known.stale = !entry.addresses.empty() && (!entry.confirmed || past);
    if (!entry.addresses.empty() && !known.stale)
        known.expires_in = std::max(entry.expires - now, std::chrono::nanoseconds(0));
    return known;
}

nlohmann::json NameTable::to_json() const {
    nlohmann::json names = nlohmann::json::array();
    for (const auto& [domain, entry] : entries_) {
        if (entry.addresses.empty()) continue;
        nlohmann::json one{{"domain", domain}, {"addresses", nlohmann::json::array()}};
        for (const Ipv6Address& address : entry.addresses) one["addresses"].push_back(to_string(address));
        if (entry.resolved_at) one["resolved_at"] = whole_seconds(*entry.resolved_at);
        names.push_back(std::move(one));
    }
    return {{"version", 1}, {"names", std::move(names)}};
}

Result<void> NameTable::from_json(const nlohmann::json& saved) {
    if (saved.is_null()) return {};
    std::map<std::string, Entry> entries;
    try {
        if (saved.at("version") != 1) return fail("it is of another version");
        for (const nlohmann::json& one : saved.at("names")) {
            Entry entry;
            for (const std::string text : one.at("addresses")) {
                const std::optional<Ipv6Address> address = parse_ipv6(text);
                if (!address || why_unusable(*address) != nullptr) return fail("'{}' is no address", text);
                entry.addresses.push_back(*address);
            }
            sort_unique(&entry.addresses);
            bound(&entry.addresses, {});
            if (one.contains("resolved_at"))
                entry.resolved_at = std::chrono::seconds(one["resolved_at"].get<std::int64_t>());
            entries.insert_or_assign(one.at("domain").get<std::string>(), std::move(entry));
        }
    } catch (const nlohmann::json::exception& error) {
        return fail("{}", error.what());
    }
    entries_ = std::move(entries);
    return {};
}

}  // namespace dishwall
