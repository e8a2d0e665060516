// SPDX-License-Identifier: BSD-3-Clause
//
// Small policies for tests, written as rule text so that they read as their users would write them.
#pragma once

#include <gtest/gtest.h>

#include "rules/frontend.h"

namespace dishwall {

inline Environment no_services() {
    return Environment{[](std::string_view, std::string_view) { return std::optional<std::uint16_t>(); }};
}

// The policy of a file with this text inside its inbound block, on interface wan0, with nas = ::10 in subnet
// 1 of dish.fixed = 2001:db8:aa00::/56.
inline Policy policy_with(const std::string& inbound, const std::string& outbound = "default accept\n") {
    const std::string text =
        "version 1\n"
        "uplink dish {\n"
        "    interface wan0\n"
        "    prefix fixed static 2001:db8:aa00::/56\n"
        "    documentation-prefixes allow\n"
        "}\n"
        "network lan = dish.fixed subnet 0x1 on lan0\n"
        "host nas = lan ::10\n"
        "policy inbound on dish {\n" +
        inbound +
        "}\n"
        "policy outbound on dish {\n" +
        outbound + "}\n";
    Compiled compiled = read_policy("test.conf", text, no_services());
    if (!compiled.policy) {
        ADD_FAILURE() << render(compiled.diagnostics, compiled.sources, false);
        return {};
    }
    return std::move(*compiled.policy);
}

}  // namespace dishwall
