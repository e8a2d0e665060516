// SPDX-License-Identifier: BSD-3-Clause
//
// What was promised, beside what the published results say. Every line is computed here, so nobody can type a
// number that was not measured, or forget one that was missed.
#pragma once

#include <string>
#include <vector>

#include "bench/targets/results.h"

namespace dishwall::bench {

enum class Met { yes, no, unknown };

struct Target {
    unsigned number;  // as in issue 6; of inspection, as they come
    std::string what, goal;
    std::string measured;  // with the two values it is the ratio or difference of
    Met met = Met::unknown;
};

// Of scale (issue 6), and of inspection (issue 7).
[[nodiscard]] std::vector<Target> targets(const Results& results);
[[nodiscard]] std::vector<Target> inspection_targets(const Results& results);
// Both tables, and where the numbers are from.
[[nodiscard]] std::string markdown(const Results& results);

}  // namespace dishwall::bench
