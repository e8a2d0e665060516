// SPDX-License-Identifier: BSD-3-Clause
//
// Our tables in the kernel beside the kernel's own: flows, a feed, and reading all flows while packets pass.
#pragma once

#include <vector>

#include "bench/tables/contest.h"

namespace dishwall::bench {

struct LookupOptions {
    std::uint32_t flows = 524288;        // known ones, in tables with room for twice as many
    std::uint32_t prefixes = 1'000'000;  // of the feed
    std::uint32_t dumped = 1048576;      // flows that are read
    std::uint32_t lookups = 262144;      // a run
    unsigned repeats = 7;
    int cpu = 0;        // for the programs
    int other_cpu = 0;  // for the load, while flows are read
};

[[nodiscard]] Result<std::vector<Measured>> measure_lookups(const LookupOptions& options);
[[nodiscard]] Result<std::vector<Measured>> measure_dumps(const LookupOptions& options);

}  // namespace dishwall::bench
