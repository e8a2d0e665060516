// SPDX-License-Identifier: BSD-3-Clause
#include "tests/rules/text.h"

#include <gtest/gtest.h>

namespace dishwall::test {
namespace {

std::optional<std::uint16_t> find_service(std::string_view service, std::string_view proto) {
    if (service == "https" && proto == "tcp") return 443;
    if (service == "ssh" && proto == "tcp") return 22;
    if (service == "domain" && proto != "sctp") return 53;
    if (service == "discard" && proto == "sctp") return 9;
    return std::nullopt;
}

std::string why_missing(const std::string& path) {
    return path.find("missing") == std::string::npos ? "" : "No such file or directory";
}

constexpr std::string_view kPreamble =
    "version 1\n"
    "uplink dish {\n"
    "    interface eth0\n"
    "    prefix pd from dhcpv6-pd\n"
    "    prefix onlink from ra\n"
    "}\n"
    "network lan = dish.pd subnet 1 on br-lan\n"
    "host nas = lan ::10\n";

}  // namespace

Environment few_services() { return {find_service, "/etc/dishwall", why_missing, why_missing}; }

Compiled read_after_preamble(std::string_view text) {
    return read_policy("rules.conf", std::string(kPreamble).append(text), few_services());
}

Compiled read_inbound(std::string_view rules) {
    return read_after_preamble(std::string("policy inbound on dish {\n").append(rules).append("\n}\n"));
}

Policy policy_of(const Compiled& compiled) {
    EXPECT_TRUE(compiled.policy.has_value()) << errors_of(compiled);
    return compiled.policy.value_or(Policy{});
}

std::string errors_of(const Compiled& compiled) {
    return render(compiled.diagnostics, compiled.sources, false);
}

}  // namespace dishwall::test
