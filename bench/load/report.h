// SPDX-License-Identifier: BSD-3-Clause
//
// How long each load took, in its three forms: a table on the terminal, JSON, and Markdown for
// bench/README.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "bench/load/stages.h"
#include "bench/load/subjects.h"
#include "bench/machine.h"

namespace dishwall::bench {

struct LoadRow {
    std::string name;
    std::vector<LoadCost> loads;
};

// Of one size of policy.
struct SizeReport {
    PolicySize size;
    std::vector<Stages> stages;  // one a repeat
    std::vector<LoadRow> rows;   // dishwall's first
};

struct LoadReport {
    Machine machine;
    bool quick = false;
    std::vector<SizeReport> sizes;
};

[[nodiscard]] std::string terminal_table(const LoadReport& report);
[[nodiscard]] std::string markdown(const LoadReport& report);
[[nodiscard]] nlohmann::json to_json(const LoadReport& report);

}  // namespace dishwall::bench
