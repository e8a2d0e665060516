// SPDX-License-Identifier: BSD-3-Clause
#include "control/process.h"

#include <csignal>
#include <cstdlib>
#include <cstring>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

namespace dishwall {

void set_up_log(const char* name, bool verbose) {
    auto logger = spdlog::stderr_color_mt(name);
    // The journal knows the time.
    logger->set_pattern(std::getenv("JOURNAL_STREAM") != nullptr ? "%l: %v"
                                                                 : "%Y-%m-%d %H:%M:%S.%e %^%l%$: %v");
    logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

Result<Loop> make_loop() {
    sd_event* loop = nullptr;
    if (const int error = sd_event_new(&loop); error < 0)
        return fail("cannot make an event loop: {}", std::strerror(-error));
    return Loop(loop);
}

Result<void> handle_signals(sd_event* loop, SignalHandlers handlers, void* self) {
    sigset_t handled;
    ::sigemptyset(&handled);
    for (const auto& [signal, handler] : handlers) ::sigaddset(&handled, signal);
    ::sigprocmask(SIG_BLOCK, &handled, nullptr);
    for (const auto& [signal, handler] : handlers) {
        if (handler == nullptr) continue;
        if (const int error = sd_event_add_signal(loop, nullptr, signal, handler, self); error < 0)
            return fail("cannot handle signals: {}", std::strerror(-error));
    }
    return {};
}

Result<void> run_loop(sd_event* loop) {
    const int error = sd_event_loop(loop);
    sd_notify(0, "STOPPING=1");
    if (error < 0) return fail("the event loop failed: {}", std::strerror(-error));
    return {};
}

}  // namespace dishwall
