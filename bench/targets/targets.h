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
    unsigned number;  // as in issue 6
    std::string what, goal;
    std::string measured;  // with the two values it is the ratio or difference of
    Met met = Met::unknown;
};

[[nodiscard]] std::vector<Target> targets(const Results& results);
[[nodiscard]] std::string markdown(const std::vector<Target>& targets, const Results& results);

}  // namespace dishwall::bench
