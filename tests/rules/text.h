// SPDX-License-Identifier: BSD-3-Clause
//
// Rule texts for tests: the services that exist there, and a file around a few lines.
#pragma once

#include <string>
#include <string_view>

#include "rules/frontend.h"

namespace dishwall::test {

// https and ssh exist for tcp, domain for tcp and udp, discard for sctp only; nothing else.
// The rule file is in /etc/dishwall; files whose path has "missing" in it can be neither read nor run.
[[nodiscard]] Environment few_services();

// `rules.conf` with version, an uplink `dish` (eth0; pd from dhcpv6-pd, onlink from ra), network `lan`
// (dish.pd subnet 1) and host `nas` (lan ::10) on lines 1 to 8, then `text`.
// More names for `text`: one host in two networks, and three whose addresses are learnt.
inline constexpr std::string_view kMoreNames =
    "network dmz = dish.pd subnet 2\nhost printer = any ::10\nhost cam = lan mac 02:11:22:33:44:55\n"
    "host tv = lan mac 02:11:22:33:44:66\nhost tokyo = name vpn.example.net\n";

[[nodiscard]] Compiled read_after_preamble(std::string_view text);
[[nodiscard]] Compiled read_inbound(std::string_view rules);  // the same, inside a policy inbound block

// The policy; when there is none, a test failure with the diagnostics, and an empty one.
[[nodiscard]] Policy policy_of(const Compiled& compiled);
[[nodiscard]] std::string errors_of(const Compiled& compiled);

}  // namespace dishwall::test
