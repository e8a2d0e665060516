// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/world.h"

#include <stdexcept>

#include "rules/frontend.h"
#include "rules/lower.h"
#include "tests/core/packet.h"

namespace dishwall::test {

Own world_own() {
    Own own;
    const auto live = [&](const char* prefix, unsigned source, dw_prefix_state state, bool onlink) {
        own.prefixes.push_back({*parse_prefix(prefix), source, state, onlink});
    };
    live("2001:db8:aa00::/56", 0, DW_PREFIX_PREFERRED, false);
    live("2001:db8:bb00::/56", 0, DW_PREFIX_DEPRECATED, false);
    live("2001:db8:cc00::/56", 0, DW_PREFIX_GRACE, false);
    live("2001:db8:0:1::/64", 1, DW_PREFIX_PREFERRED, true);
    for (const char* address : {"fe80::1", "2001:db8:0:1::2", "2001:db8:aa00:1::1"})
        own.self.push_back(*parse_ipv6(address));
    own.mac = kUplinkMac;
    return own;
}

std::string world_rules_with(const std::string& uplink, const std::string& inbound,
                             const std::string& outbound) {
    std::string rules = kWorldRules;
    const auto insert_after = [&](const std::string& line, const std::string& text) {
        rules.insert(rules.find(line) + line.size(), "\n    " + text);
    };
    insert_after("documentation-prefixes allow", uplink);
    insert_after("policy inbound on dish {", inbound);
    insert_after("default accept", outbound);
    return rules;
}

Policy read_or_throw(const std::string& rules) {
    Environment environment;
    environment.read_text = [](const std::string&) { return std::string("1:/attack/\n"); };
    const Compiled compiled = read_policy("test.conf", rules, environment);
    if (!compiled.policy) throw std::runtime_error(render(compiled.diagnostics, compiled.sources, false));
    return *compiled.policy;
}

CompiledImage lower_or_throw(const Policy& policy) {
    std::uint32_t next = 1000;
    Result<CompiledImage> image = lower(policy, [&](const Rule&) { return next++; });
    if (!image) throw std::runtime_error(image.error().message);
    return *image;
}

}  // namespace dishwall::test
