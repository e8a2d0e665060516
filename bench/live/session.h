// SPDX-License-Identifier: BSD-3-Clause
//
// All rows of one run: built once, then measured in the order A B C, C B A, A B C, ... so that a slow drift
// of the machine (frequency, neighbours on the host) falls on all of them alike.
#pragma once

#include <string>
#include <vector>

#include "bench/live/report.h"
#include "bench/live/rows.h"

namespace dishwall::bench {

struct SessionOptions {
    RowOptions rows;
    RunLength length;
    unsigned repeats = 7;
    bool quick = false;
    int cpu = 0;
};

// Fails only when nothing can be measured at all; a row that cannot be built or whose gate fails says so in
// its result.
[[nodiscard]] Result<Report> measure_all(const SessionOptions& options);

}  // namespace dishwall::bench
