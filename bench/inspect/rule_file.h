// SPDX-License-Identifier: BSD-3-Clause
//
// The gateway of bench/published.h with a rule that inspects. The signature file stands beside the rule file.
#pragma once

#include <fmt/format.h>

#include <string>

#include "bench/published.h"

namespace dishwall::bench {

inline constexpr const char* kSignatureFile = "web.hs";
inline constexpr std::uint16_t kInspectedPort = 9000, kPlainPort = 9001;  // UDP, of the first host

// The same rule file with both ports open, and one of them inspected, or none for comparison.
[[nodiscard]] inline std::string with_two_ports(std::string rules, bool inspects) {
    const std::string host = fmt::format("h{:x}", kServiceHosts);
    const std::string policy = "policy inbound on dish {\n    default drop\n";
    rules.replace(
        rules.find(policy), policy.size(),
        fmt::format("{}{}"
                    "    accept udp {} to {} {}name inspected\n"
                    "    accept udp {} to {} name plain\n",
                    inspects ? fmt::format("signatures web = file \"{}\"\n", kSignatureFile) : "", policy,
                    kInspectedPort, host, inspects ? "inspect web on-failure drop " : "", kPlainPort, host));
    return rules;
}

}  // namespace dishwall::bench
