// SPDX-License-Identifier: BSD-3-Clause
#include "bench/tables/contest.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace dishwall::bench {
namespace {

std::string number(double value) {
    return value < 10 ? fmt::format("{:.2f}", value) : fmt::format("{:.1f}", value);
}

std::string head(const TablesReport& report) {
    std::string text = fmt::format("{}- medians of {} runs, contestants of a group in turns, A B B A{}\n",
                                   markdown_lines(report.machine), report.repeats,
                                   report.quick ? "; **quick mode: the numbers mean nothing**" : "");
    for (const std::string& why : report.skipped) text += fmt::format("- not measured: {}\n", why);
    return text;
}

struct Cells {
    std::string group, what, entries, median, spread, unit;
};

Cells cells_of(const Measured& row) {
    Cells cells{row.group, row.what, fmt::format("{}", row.entries), "failed", "", row.unit};
    if (!row.held()) return cells;
    const auto [least, most] = std::minmax_element(row.runs.begin(), row.runs.end());
    cells.median = number(row.median());
    cells.spread = number(*least) + ".." + number(*most);
    return cells;
}

std::string failures(const TablesReport& report) {
    std::string text;
    for (const Measured& row : report.rows)
        if (!row.held()) text += fmt::format("- {}: {}\n", row.id, row.failure);
    return text;
}

}  // namespace

double Measured::median() const {
    std::vector<double> sorted = runs;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
}

void Contest::add(std::string id, std::string what, std::string unit, std::uint64_t entries, Run run) {
    rows_.push_back({group_, std::move(id), std::move(what), std::move(unit), entries, {}, ""});
    runs_.push_back(std::move(run));
}

void Contest::refuse(std::string id, std::string what, std::uint64_t entries, const std::string& why) {
    rows_.push_back({group_, std::move(id), std::move(what), "", entries, {}, why});
    runs_.emplace_back();
}

std::vector<Measured> Contest::measure(unsigned repeats) {
    std::vector<std::size_t> order(rows_.size());
    std::iota(order.begin(), order.end(), 0);
    for (unsigned repeat = 0; repeat < repeats; ++repeat) {
        for (const std::size_t which : order) {
            Measured& row = rows_[which];
            if (!row.failure.empty()) continue;
            auto run = runs_[which]();
            if (run)
                row.runs.push_back(*run);
            else
                row.failure = run.error().message;
        }
        std::reverse(order.begin(), order.end());
    }
    return std::move(rows_);
}

bool TablesReport::all_held() const {
    return std::all_of(rows.begin(), rows.end(), [](const Measured& row) { return row.held(); });
}

std::string terminal_table(const TablesReport& report) {
    constexpr std::string_view kLine = "{:<22} {:<44} {:>8} {:>10} {:>18} {}\n";
    std::string text =
        head(report) + "\n" +
        fmt::format(fmt::runtime(kLine), "what is done", "by whom", "entries", "median", "low..high", "unit");
    for (const Measured& row : report.rows) {
        const Cells c = cells_of(row);
        text += fmt::format(fmt::runtime(kLine), c.group, c.what, c.entries, c.median, c.spread, c.unit);
    }
    return text + failures(report);
}

std::string markdown(const TablesReport& report) {
    std::string text = head(report) +
                       "\n| what is done | by whom | entries | median | lowest..highest | unit "
                       "|\n|---|---|---|---|---|---|\n";
    for (const Measured& row : report.rows) {
        const Cells c = cells_of(row);
        text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", c.group, c.what, c.entries, c.median,
                            c.spread, c.unit);
    }
    const std::string failed = failures(report);
    return failed.empty() ? text : text + "\n" + failed;
}

nlohmann::json to_json(const TablesReport& report) {
    nlohmann::json rows = nlohmann::json::array();
    for (const Measured& row : report.rows) {
        nlohmann::json item = {{"group", row.group}, {"id", row.id},           {"what", row.what},
                               {"unit", row.unit},   {"entries", row.entries}, {"held", row.held()},
                               {"runs", row.runs}};
        if (row.held()) item["median"] = row.median();
        if (!row.held()) item["failure"] = row.failure;
        rows.push_back(std::move(item));
    }
    return {{"machine", to_json(report.machine)},
            {"date", report.machine.date},
            {"commit", report.machine.commit},
            {"repeats", report.repeats},
            {"quick", report.quick},
            {"skipped", report.skipped},
            {"rows", rows}};
}

}  // namespace dishwall::bench
