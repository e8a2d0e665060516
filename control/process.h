// SPDX-License-Identifier: BSD-3-Clause
//
// What every daemon of ours has of a process: a log that the journal can read, a loop, signals that the loop
// answers, and an end that systemd is told of.
#pragma once

#include <systemd/sd-event.h>

#include <initializer_list>
#include <memory>
#include <utility>

#include "rules/result.h"

namespace dishwall {

struct LoopCloser {
    void operator()(sd_event* loop) const { sd_event_unref(loop); }
};
using Loop = std::unique_ptr<sd_event, LoopCloser>;

// To stderr, from any thread. `name` is the logger's.
void set_up_log(const char* name, bool verbose);

[[nodiscard]] Result<Loop> make_loop();

// Before any thread is made, so that all of them have these signals blocked; without a handler that is all.
// `self` is what the handlers are given.
using SignalHandlers = std::initializer_list<std::pair<int, sd_event_signal_handler_t>>;
[[nodiscard]] Result<void> handle_signals(sd_event* loop, SignalHandlers handlers, void* self);

// Until somebody ends the loop.
[[nodiscard]] Result<void> run_loop(sd_event* loop);

}  // namespace dishwall
