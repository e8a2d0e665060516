// SPDX-License-Identifier: BSD-3-Clause
//
// Any bytes as a rule file. Besides what the sanitizers see: a policy comes out exactly when there is no
// error, everything that is said can be printed, places lie inside the text, and a policy keeps what
// policy.h promises to the passes behind it.
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "rules/frontend.h"

namespace {

using namespace dishwall;

std::optional<std::uint16_t> find_service(std::string_view service, std::string_view) {
    if (service == "https") return 443;
    return std::nullopt;
}

std::string why_not(const std::string& path) {
    return path.size() % 3 == 0 ? "No such file or directory" : "";
}

void require(bool condition) {
    if (!condition) std::abort();
}

void check_label(const Label& label, const SourceMap& sources) {
    const std::size_t size = sources.file(label.span.file).text().size();
    require(label.span.begin <= label.span.end && label.span.end <= size);
    require(!label.text.empty());
}

void check_rules(const Chain& chain, bool outbound) {
    require(chain.default_verdict != DW_AUDIT);
    for (const Rule& rule : chain.rules) {
        require(!rule.endpoint_independent || (outbound && rule.verdict == DW_ACCEPT));
        require(!outbound || (rule.verdict != DW_REJECT && rule.verdict != DW_REJECT_LATE));
        require(!rule.match.empty() && !rule.name.empty() && rule.place.line > 0);
        require(rule.from.any || !rule.from.include.empty());
        require(rule.to.any || !rule.to.include.empty());
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const Environment environment{find_service, "/etc/dishwall", why_not, why_not};
    const Compiled compiled = read_policy("fuzz.conf", text, environment);
    bool any_error = false;
    for (const Diagnostic& diagnostic : compiled.diagnostics) {
        any_error = any_error || severity_of(diagnostic.code) == Severity::error;
        check_label(diagnostic.primary, compiled.sources);
        if (diagnostic.second) check_label(*diagnostic.second, compiled.sources);
    }
    require(compiled.policy.has_value() == !any_error);
    const std::string said = render(compiled.diagnostics, compiled.sources, true);
    require(said.empty() == compiled.diagnostics.empty());
    if (!compiled.policy) return 0;
    const Uplink& uplink = compiled.policy->uplink;
    require(uplink.sources.size() <= DW_SOURCES);
    require(uplink.idle_s[DW_TIMEOUT_UDP] >= 120);
    for (unsigned i = DW_TIMEOUT_TCP_OPENING; i <= DW_TIMEOUT_OTHER; ++i) require(uplink.idle_s[i] > 0);
    require(!uplink.vlan || (*uplink.vlan >= 1 && *uplink.vlan <= 4094));
    check_learnt(*compiled.policy);
    check_updates(*compiled.policy);
    check_rules(compiled.policy->inbound, false);
    check_rules(compiled.policy->outbound, true);
    return 0;
}
