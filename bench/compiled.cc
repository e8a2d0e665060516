// SPDX-License-Identifier: BSD-3-Clause
#include "bench/compiled.h"

#include "bench/published.h"
#include "rules/frontend.h"

namespace dishwall::bench {

Result<Policy> policy_of(const std::string& rules, const std::string& feed) {
    Environment environment;
    environment.read_text = [&feed](const std::string&) { return feed; };
    Compiled compiled = read_policy("bench.conf", rules, environment);
    if (compiled.policy) return std::move(*compiled.policy);
    return fail("the bench's rule file is refused:\n{}",
                render(compiled.diagnostics, compiled.sources, false));
}

Result<CompiledImage> image_of(const Policy& policy) {
    std::uint32_t next = DW_REASONS_MAX;
    return lower(policy, [&](const Rule&) { return next++; });
}

Own own_of_the_gateway() {
    Own own;
    own.prefixes.push_back({Ipv6Prefix::containing({kDelegation, 0}, 56), 0, DW_PREFIX_PREFERRED, false});
    own.self.push_back({0xfe80'0000'0000'0000, 2});
    return own;
}

}  // namespace dishwall::bench
