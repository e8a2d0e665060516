// SPDX-License-Identifier: BSD-3-Clause
//
// Sampled events of the programs, from the ring buffer they share with us, on the daemon's event loop. The
// buffer is emptied whether anybody listens or not, so that a monitor sees what happens now, not what
// happened when the buffer filled up.
#pragma once

#include <systemd/sd-event.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "control/clock.h"
#include "control/counter_registry.h"
#include "control/kernel_maps.h"
#include "rules/result.h"

namespace dishwall {

class EventReader {
public:
    using Callback = std::function<void(const dw_event&)>;

    // `callback` is called from the loop.
    [[nodiscard]] static Result<EventReader> open(sd_event* loop, const KernelMaps& maps, Callback callback);

private:
    struct State;
    struct StateCloser {
        void operator()(State* state) const;
    };
    explicit EventReader(std::unique_ptr<State, StateCloser> state) : state_(std::move(state)) {}
    std::unique_ptr<State, StateCloser> state_;
};

// As the Monitor stream shows it. `wall_offset`: CLOCK_REALTIME - CLOCK_MONOTONIC.
[[nodiscard]] nlohmann::json event_json(const dw_event& event, const CounterRegistry& names,
                                        std::chrono::nanoseconds wall_offset);

}  // namespace dishwall
