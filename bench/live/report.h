// SPDX-License-Identifier: BSD-3-Clause
//
// The result of a session, and its three forms: a table on the terminal, JSON, and Markdown for
// bench/README.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/live/row.h"
#include "bench/machine.h"

namespace dishwall::bench {

struct RowResult {
    std::string id, system, does, floor, base;
    unsigned rules = 0;
    std::optional<WorstSearch> worst;  // of its policy, where the subject can tell
    bool plotted = false;
    std::vector<Sample> samples;
    std::string gate_failure;  // empty: the gate held in every run

    [[nodiscard]] bool held() const { return gate_failure.empty() && !samples.empty(); }
    [[nodiscard]] double median_ns() const;  // 0 without samples
    [[nodiscard]] double lowest_ns() const;
    [[nodiscard]] double highest_ns() const;
};

struct Report {
    Machine machine;
    unsigned repeats = 0;
    double run_ms = 0;  // how long a run was meant to take
    bool quick = false;
    int cpu = 0;  // that the packets were on
    std::vector<RowResult> rows;

    [[nodiscard]] bool all_gates_held() const;
    // What the row costs above another: the median of the differences within each repeat, so that a machine
    // that is slow for a while is slow in both. Empty when one of them has no valid number.
    [[nodiscard]] std::optional<double> above(const RowResult& row, const std::string& base) const;
};

[[nodiscard]] std::string terminal_table(const Report& report);
[[nodiscard]] std::string markdown(const Report& report);
[[nodiscard]] nlohmann::json to_json(const Report& report);

}  // namespace dishwall::bench
