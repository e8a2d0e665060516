// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/policy_promises.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace dishwall::test {
namespace {

void check_rate(const Rate& rate) {
    require(rate.packets >= 1 && rate.packets <= 1'000'000 && rate.burst >= 1 && rate.burst <= 1'000'000);
    require(rate.unit_s == 1 || rate.unit_s == 60 || rate.unit_s == 3600 || rate.unit_s == 86400);
    require(rate.per_source.value_or(0) <= 128);
    // The whole bucket is full again within a year, and holds what one tick of 10 ms lets in.
    require(std::uint64_t{rate.burst} * rate.unit_s <= 365ull * 86400 * rate.packets);
    require(std::uint64_t{rate.burst} * rate.unit_s * 100 >= rate.packets);
}

void check_rules(const Chain& chain, bool outbound) {
    require(chain.default_verdict != DW_AUDIT && chain.log_sample >= 1);
    for (const Rule& rule : chain.rules) {
        require(!rule.endpoint_independent || (outbound && rule.verdict == DW_ACCEPT));
        require(!outbound || (rule.verdict != DW_REJECT && rule.verdict != DW_REJECT_LATE));
        require(!rule.match.empty() && !rule.name.empty() && rule.place.line > 0);
        require(rule.from.any || !rule.from.include.empty());
        require(rule.to.any || !rule.to.include.empty());
        require(!rule.inspect || rule.verdict == DW_ACCEPT);
        if (rule.rate) check_rate(*rule.rate);
    }
}

bool is_domain_text(const std::string& text) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    return !text.empty() && text.size() <= 253 && text.find_first_not_of(kAllowed) == std::string::npos;
}

void check_learnt(const Policy& policy) {
    require(policy.learnt.size() <= DW_LEARNT_MAX);
    std::set<std::uint32_t> ids;
    for (const LearntHost& host : policy.learnt) {
        require(host.id != 0 && ids.insert(host.id).second && host.place.line > 0);
        if (const auto* device = std::get_if<DeviceHost>(&host.what)) {
            require(device->network < policy.networks.size() && device->mac != MacAddress{});
            require((device->mac[0] & 1) == 0 && !policy.networks[device->network].interface.empty());
        } else {
            require(is_domain_text(std::get<DomainHost>(host.what).domain));
        }
    }
    for (const NamedAddress& host : policy.hosts) {
        require(!host.elements.empty());
        for (const AddressElement& element : host.elements)
            if (const auto* learnt = std::get_if<Learnt>(&element)) require(ids.count(learnt->host) == 1);
    }
}

// What nsupdate reads as a line must stay one word.
bool is_one_word(const std::string& text) {
    return !text.empty() && text.find_first_of(std::string_view(" \t\r\n;\0", 6)) == std::string::npos;
}

void check_updates(const Policy& policy) {
    for (const DnsUpdate& update : policy.dns_updates) {
        require(is_one_word(update.zone) && !update.records.empty() && update.place.line > 0);
        if (const auto* server = std::get_if<DnsUpdate::Nsupdate>(&update.by))
            require(is_one_word(server->server) && server->port != 0 &&
                    (server->key_file.empty() || server->key_file[0] == '/'));
        else
            require(std::get<DnsUpdate::Exec>(update.by).program.front() == '/');
        for (const DnsRecord& record : update.records) {
            require(is_one_word(record.name) && record.name.size() <= 253 && record.ttl_s > 0);
            require(record.host < policy.hosts.size());
            require(record.name.size() >= update.zone.size() &&
                    record.name.substr(record.name.size() - update.zone.size()) == update.zone);
        }
    }
}

void check_uplink(const Uplink& uplink) {
    require(uplink.sources.size() <= DW_SOURCES);
    require(uplink.idle_s[DW_TIMEOUT_UDP] >= 120);
    for (unsigned i = DW_TIMEOUT_TCP_OPENING; i <= DW_TIMEOUT_OTHER; ++i) require(uplink.idle_s[i] > 0);
    require(!uplink.vlan || (*uplink.vlan >= 1 && *uplink.vlan <= 4094));
}

void check_claims(const Policy& policy) {
    for (const PolicyTest& test : policy.tests)
        for (const Expectation& expected : test.expectations) {
            require(!expected.traffic.match.empty() && expected.verdict != DW_AUDIT);
            for (const Expectation::With& with : expected.with)
                require(with.source < policy.uplink.sources.size());
        }
    for (const Protected& line : policy.protects) require(!line.traffic.match.empty() && line.place.line > 0);
}

}  // namespace

void check_entries(const FeedEntries& entries) {
    for (std::size_t i = 1; i < entries.prefixes.size(); ++i)
        require(entries.prefixes[i - 1].last() < entries.prefixes[i].first());
    for (const Ipv6Prefix& prefix : entries.prefixes)
        require(entries.contains(prefix.first()) && entries.contains(prefix.last()));
}

void check_promises(const Policy& policy) {
    check_uplink(policy.uplink);
    check_learnt(policy);
    check_updates(policy);
    check_rules(policy.inbound, false);
    check_rules(policy.outbound, true);
    check_claims(policy);
    for (const Feed& feed : policy.feeds) {
        require(feed.entries && !feed.path.empty());
        check_entries(*feed.entries);
    }
}

}  // namespace dishwall::test
