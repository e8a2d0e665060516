// SPDX-License-Identifier: BSD-3-Clause
//
// Any bytes as a rule file. Besides what the sanitizers see: a policy comes out exactly when there is no
// error, everything that is said can be printed, places lie inside the text, and a policy keeps what
// policy.h promises to the passes behind it.
#include <cstdlib>
#include <string>

#include "rules/frontend.h"

namespace {

using namespace dishwall;

std::optional<std::uint16_t> find_service(std::string_view service, std::string_view) {
    if (service == "https") return 443;
    return std::nullopt;
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const Environment environment{find_service};
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
    check_rules(compiled.policy->inbound, false);
    check_rules(compiled.policy->outbound, true);
    return 0;
}
