// SPDX-License-Identifier: BSD-3-Clause
//
// Contestants that do the same work take turns, A B C C B A, as often as asked; a number each time. What a
// number is is said by its unit. One that fails is out, and says why.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "rules/result.h"

namespace dishwall::bench {

struct Measured {
    std::string group, id, what, unit;
    std::uint64_t entries = 0;
    std::vector<double> runs;
    std::string failure;

    [[nodiscard]] bool held() const { return failure.empty() && !runs.empty(); }
    [[nodiscard]] double median() const;
};

class Contest {
public:
    using Run = std::function<Result<double>()>;

    explicit Contest(std::string group) : group_(std::move(group)) {}

    void add(std::string id, std::string what, std::string unit, std::uint64_t entries, Run run);
    // A contestant that cannot even begin.
    void refuse(std::string id, std::string what, std::uint64_t entries, const std::string& why);
    [[nodiscard]] std::vector<Measured> measure(unsigned repeats);

private:
    std::string group_;
    std::vector<Measured> rows_;
    std::vector<Run> runs_;
};

struct TablesReport {
    Machine machine;
    unsigned repeats = 0;
    bool quick = false;
    std::vector<Measured> rows;
    std::vector<std::string> skipped;  // what could not be measured here, and why

    [[nodiscard]] bool all_held() const;
};

[[nodiscard]] std::string terminal_table(const TablesReport& report);
[[nodiscard]] std::string markdown(const TablesReport& report);
[[nodiscard]] nlohmann::json to_json(const TablesReport& report);

}  // namespace dishwall::bench
