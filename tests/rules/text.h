// SPDX-License-Identifier: BSD-3-Clause
//
// Rule texts for tests: the services that exist there, and a file around a few lines.
#pragma once

#include <string>
#include <string_view>

#include "rules/frontend.h"

namespace dishwall::test {

// https and ssh exist for tcp, domain for tcp and udp, discard for sctp only; nothing else.
[[nodiscard]] Environment few_services();

// `rules.conf` with version, an uplink `dish` (eth0; pd from dhcpv6-pd, onlink from ra), network `lan`
// (dish.pd subnet 1) and host `nas` (lan ::10) on lines 1 to 8, then `text`.
[[nodiscard]] Compiled read_after_preamble(std::string_view text);
[[nodiscard]] Compiled read_inbound(std::string_view rules);  // the same, inside a policy inbound block

// The policy; when there is none, a test failure with the diagnostics, and an empty one.
[[nodiscard]] Policy policy_of(const Compiled& compiled);
[[nodiscard]] std::string errors_of(const Compiled& compiled);

}  // namespace dishwall::test
