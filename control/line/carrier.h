// SPDX-License-Identifier: BSD-3-Clause
//
// What is known of the line from addresses alone. The dish and its carrier say nothing to a gateway but what
// they lease and announce, and that is enough to tell the usual states apart: online, not connected, behind
// the vendor's router again, a second device on the dish. Each comes with a text that says what it means and,
// where something is wrong, what to do. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/line/prefix_tracker.h"

namespace dishwall {

struct LineIpv4 {
    enum class State {
        public_address,
        cgnat,               // 100.64.0.0/10
        vendor_router,       // 192.168.1.0/24
        private_address,     // any other address that is not public
        dish_not_connected,  // 192.168.100.0/24: the dish leases these itself while it boots and searches
        none,
    };
    State state = State::none;
    std::optional<Ipv4Fact> fact;  // the address that decided
};
[[nodiscard]] const char* to_string(LineIpv4::State state);

// The one that tells most wins: an alias in 192.168.100.0/24, kept to reach the dish's page, beside a lease
// of the carrier means nothing.
[[nodiscard]] LineIpv4 ipv4_of_line(const std::vector<Ipv4Fact>& addresses);

// The `line` object of Status:
//   {"ipv4": {"state": "cgnat", "address": "100.101.102.103"|null, "text": ...},
//    "ipv6": {"present": bool, "delegations": [{"prefix", "length", "valid_in", "preferred_in"}], "onlink":
//    [...],
//             "ra_age_s": n|null, "text": ...},
//    "up": bool, "advice": "..."|null}
// Times are seconds, null when they have no end.
[[nodiscard]] nlohmann::json describe_line(const LineFacts& facts, MonotonicTime now);

}  // namespace dishwall
