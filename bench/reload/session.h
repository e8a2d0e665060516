// SPDX-License-Identifier: BSD-3-Clause
//
// Live frames of every class, as fast as one core makes them, while the loader loads; and what came out of
// the gateway behind, class by class.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/reload/two_policies.h"
#include "rules/result.h"

namespace dishwall::bench {

struct ReloadOptions {
    std::string daemon;
    unsigned loads = 1000;
    int cpu = 0;
    std::vector<std::string> needed;  // files that the scratch space must not hide
};

struct ClassCount {
    std::uint64_t offered = 0;
    std::uint64_t passed = 0;
    std::uint64_t settled = 0;  // of the offered: while no load was under way, so that the verdict is known
};
using ClassCounts = std::array<ClassCount, DW_CLASSES>;

struct ReloadReport {
    ClassCounts classes;
    std::uint64_t by_flow = 0;  // of the passed: as part of a flow
    std::vector<double> load_ms;
    double seconds = 0;
};

// An error is a packet or a counter that was wrong, or a load that failed.
[[nodiscard]] Result<ReloadReport> reload_under_fire(const ReloadOptions& options);

}  // namespace dishwall::bench
