// SPDX-License-Identifier: BSD-3-Clause
//
// The line as replies of the control socket show it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "control/clock.h"
#include "control/line/prefix_tracker.h"

namespace dishwall {

// Seconds since 1970, of a monotonic time.
struct SecondsOf {
    std::int64_t operator()(MonotonicTime at) const { return whole_seconds(wall + (at - monotonic)); }
    UnixTime wall = unix_time();
    MonotonicTime monotonic = monotonic_time();
};

// The `prefixes` array of the Prefix reply.
[[nodiscard]] nlohmann::json prefixes_json(const std::vector<PrefixStatus>& prefixes,
                                           const SecondsOf& seconds_of);

}  // namespace dishwall
