// SPDX-License-Identifier: BSD-3-Clause
//
// The classifier alone, in user space: the same services, the same five fields of 65,536 packets, nine of ten
// to a service, the rest to nobody. All must agree on every packet before anything is timed.
#pragma once

#include <vector>

#include "bench/tables/contest.h"

namespace dishwall::bench {

struct ClassifierOptions {
    std::vector<unsigned> services{1000, 10000, 100000};
    unsigned repeats = 7;
    unsigned builds = 3;  // of the slow ones
    int cpu = 0;
};

// `skipped` is told what is not there.
[[nodiscard]] Result<std::vector<Measured>> measure_classifiers(const ClassifierOptions& options,
                                                                std::vector<std::string>* skipped);

}  // namespace dishwall::bench
