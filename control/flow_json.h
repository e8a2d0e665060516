// SPDX-License-Identifier: BSD-3-Clause
//
// A flow of the table as the control protocol shows it.
#pragma once

#include <nlohmann/json.hpp>

#include "control/counter_registry.h"
#include "control/flow_reader.h"
#include "control/kernel_clock.h"

namespace dishwall {

// One moment on both clocks, to turn a flow's jiffies into a date.
struct WallClock {
    std::uint64_t jiffies = 0;
    std::int64_t unix_ns = 0;
    std::uint32_t hz = 0;

    [[nodiscard]] std::int64_t unix_ns_of(std::uint64_t then_jiffies) const;
};

// "opening", "established", "closing", "reset"; without TCP: "unanswered", "answered", "established".
[[nodiscard]] const char* flow_state(const dw_flow& flow);

[[nodiscard]] nlohmann::json flow_json(const FlowSnapshot& snapshot, const CounterRegistry& names,
                                       const WallClock& clock);

}  // namespace dishwall
