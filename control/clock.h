// SPDX-License-Identifier: BSD-3-Clause
//
// The two clocks. What is pure is given the time; this is where its callers read it.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace dishwall {

using MonotonicTime = std::chrono::nanoseconds;  // CLOCK_MONOTONIC since boot
using UnixTime = std::chrono::nanoseconds;       // CLOCK_REALTIME since 1970

[[nodiscard]] inline std::chrono::nanoseconds read_clock(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}
[[nodiscard]] inline MonotonicTime monotonic_time() { return read_clock(CLOCK_MONOTONIC); }
[[nodiscard]] inline UnixTime unix_time() { return read_clock(CLOCK_REALTIME); }

// One moment on every clock that saved state is measured by. Within one boot the monotonic clock tells how
// long no daemon ran, whatever happened to the wall clock; only across a boot the wall clock has to.
struct Instant {
    MonotonicTime monotonic{0};
    UnixTime wall{0};
    std::string boot;  // the kernel's boot_id; empty: not known
};
[[nodiscard]] Instant instant_now();

// "2026-11-22T13:05:01.250Z"
[[nodiscard]] std::string iso_time(UnixTime at);

[[nodiscard]] inline std::int64_t whole_seconds(std::chrono::nanoseconds time) {
    return std::chrono::round<std::chrono::seconds>(time).count();
}

}  // namespace dishwall
