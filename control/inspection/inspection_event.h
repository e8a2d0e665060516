// SPDX-License-Identifier: BSD-3-Clause
//
// What the inspector reports, for people and for `monitor`. It sends numbers, since it knows no rule file;
// here they get their names. The inspector reads what strangers send, so one day it may not be itself any
// more: nothing in its datagrams is believed to be of the type, or of the length, that it should be.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/counter_registry.h"
#include "rules/policy.h"

namespace dishwall {

// An event of the Monitor stream: {kind, time, direction, IP, l4, signatures, signature, rule, action,
// banned_s}. `signatures` and `rule` are names, null when the policy in force has them no more. Empty: this
// is no report.
[[nodiscard]] std::optional<nlohmann::json> inspection_event(const nlohmann::json& report,
                                                             const Policy& policy,
                                                             const CounterRegistry& names,
                                                             const std::string& time);

// The same for the log: "inspection: match of signature 17 of exploits, rule web: in [...]:1 > [...]:80,
// drop".
[[nodiscard]] std::string event_text(const nlohmann::json& event);

}  // namespace dishwall
