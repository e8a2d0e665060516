// SPDX-License-Identifier: BSD-3-Clause
#include "control/event_gate.h"

#include <algorithm>

namespace dishwall {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);

bool is_logged(std::uint32_t id, const Policy& policy, const CounterRegistry& names) {
    const auto counter = names.find(id);
    if (!counter) return false;
    const auto logs = [&](const Rule& rule) { return rule.log && rule.name == counter->name; };
    return std::ranges::any_of(policy.inbound.rules, logs) ||
           std::ranges::any_of(policy.outbound.rules, logs);
}

}  // namespace

bool EventGate::lets_through(const dw_event& event, const Policy& policy, const CounterRegistry& names) {
    if ((event.kind & DW_EVENT_JUDGED) == 0) return true;
    const MonotonicTime at(event.time_ns);
    if (at < next_) return false;
    bool wanted = event.verdict != DW_ACCEPT || (event.kind & DW_EVENT_AUDIT) != 0;
    if (!wanted && at >= next_look_) {  // looking for a rule may take a while
        wanted = is_logged(event.rule, policy, names);
        next_look_ = at + kPause;
    }
    if (wanted) next_ = at + kPause;
    return wanted;
}

}  // namespace dishwall
