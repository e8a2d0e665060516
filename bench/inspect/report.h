// SPDX-License-Identifier: BSD-3-Clause
//
// What inspection was measured to do and to cost, in three forms: tables on the terminal, JSON, and Markdown
// for bench/README.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "bench/inspect/latency.h"
#include "bench/inspect/passing.h"
#include "bench/inspect/searches.h"
#include "bench/machine.h"

namespace dishwall::bench {

struct InspectReport {
    Machine machine;
    bool quick = false;
    unsigned repeats = 0;
    std::vector<SearchResult> searches;
    std::vector<LatencyRow> latency;
    std::vector<PassingRow> passing;

    [[nodiscard]] bool all_gates_held() const;
};

[[nodiscard]] std::string terminal_table(const InspectReport& report);
[[nodiscard]] std::string markdown(const InspectReport& report);
// `rows`: an object each with its `id`, and numbers by name.
[[nodiscard]] nlohmann::json to_json(const InspectReport& report);

}  // namespace dishwall::bench
