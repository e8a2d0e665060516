// SPDX-License-Identifier: BSD-3-Clause
//
// While a shadow runs, every judged packet is an event. Who follows `monitor` meanwhile gets what the
// programs would have sent without it: refused, audited and logged packets, one of them in 10 ms.
#pragma once

#include "control/clock.h"
#include "control/counter_registry.h"
#include "rules/policy.h"

namespace dishwall {

class EventGate {
public:
    [[nodiscard]] bool lets_through(const dw_event& event, const Policy& policy,
                                    const CounterRegistry& names);

private:
    MonotonicTime next_{0}, next_look_{0};
};

}  // namespace dishwall
