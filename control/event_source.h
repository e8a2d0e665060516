// SPDX-License-Identifier: BSD-3-Clause
//
// The one owner of an sd_event source: gone from the loop when this is gone, also from within its own
// callback.
#pragma once

#include <systemd/sd-event.h>

#include <chrono>
#include <memory>
#include <optional>

namespace dishwall {

struct EventSourceCloser {
    void operator()(sd_event_source* source) const { sd_event_source_disable_unref(source); }
};
using EventSource = std::unique_ptr<sd_event_source, EventSourceCloser>;

// Off until it is set. Null when there is no memory.
[[nodiscard]] inline EventSource make_timer(sd_event* loop, sd_event_time_handler_t handler, void* self) {
    sd_event_source* timer = nullptr;
    if (sd_event_add_time(loop, &timer, CLOCK_MONOTONIC, 0, 1, handler, self) < 0) return nullptr;
    sd_event_source_set_enabled(timer, SD_EVENT_OFF);
    return EventSource(timer);
}

// Once, at this time of CLOCK_MONOTONIC; without a time it is off.
inline void set_timer(const EventSource& timer, std::optional<std::chrono::nanoseconds> at) {
    if (at) {
        const auto us = std::chrono::ceil<std::chrono::microseconds>(*at);
        sd_event_source_set_time(timer.get(), static_cast<std::uint64_t>(us.count()));
    }
    sd_event_source_set_enabled(timer.get(), at ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

}  // namespace dishwall
