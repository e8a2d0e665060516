// SPDX-License-Identifier: BSD-3-Clause
#include "control/clock.h"

#include <fmt/chrono.h>

#include <fstream>

namespace dishwall {

Instant instant_now() {
    std::string boot;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id") >> std::ws, boot);
    return {monotonic_time(), unix_time(), boot};
}

std::string iso_time(UnixTime at) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(ms / 1000)),
                       ms % 1000);
}

}  // namespace dishwall
