// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/live/rows.h"

namespace dishwall::bench {
namespace {

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

std::vector<double> ns_of(const std::vector<Sample>& samples) {
    std::vector<double> ns;
    for (const Sample& sample : samples) ns.push_back(sample.ns);
    return ns;
}

// One row's cells, the same in both tables.
struct Cells {
    std::string system, rules, worst, does, total, spread, above_floor, above_base;
};

std::string number(std::optional<double> value) { return value ? fmt::format("{:.0f}", *value) : "-"; }

Cells cells_of(const Report& report, const RowResult& row) {
    const std::string rules = row.rules == 0 ? "" : fmt::format("{}", row.rules);
    const std::string worst = row.worst ? fmt::format("{}, {}", row.worst->lines, row.worst->rules) : "";
    if (!row.held()) return {row.system, rules, worst, row.does, "gate failed", "", "", ""};
    Cells cells{row.system, rules, worst, row.does, number(row.median_ns()), "", "", ""};
    cells.spread = fmt::format("{:.0f}..{:.0f}", row.lowest_ns(), row.highest_ns());
    cells.above_floor = row.id == row.floor ? "-" : number(report.above(row, row.floor));
    cells.above_base = row.base.empty() ? "" : number(report.above(row, row.base));
    return cells;
}

std::string head(const Report& report) {
    return fmt::format(
        "{}- packets on CPU {}; {} repeats in the order A B B A, a run of about {:.0f} ms a row (at most "
        "131,072 "
        "packets where each opens a flow){}\n",
        markdown_lines(report.machine), report.cpu, report.repeats, report.run_ms,
        report.quick ? "; **quick mode: the numbers mean nothing**" : "");
}

std::string failures(const Report& report, std::string_view bullet) {
    std::string text;
    for (const RowResult& row : report.rows)
        if (!row.held()) text += fmt::format("{}{}: gate failed: {}\n", bullet, row.id, row.gate_failure);
    return text;
}

}  // namespace

double RowResult::median_ns() const { return median(ns_of(samples)); }
double RowResult::lowest_ns() const { return samples.empty() ? 0 : std::ranges::min(ns_of(samples)); }
double RowResult::highest_ns() const { return samples.empty() ? 0 : std::ranges::max(ns_of(samples)); }

bool Report::all_gates_held() const {
    return std::all_of(rows.begin(), rows.end(), [](const RowResult& row) { return row.held(); });
}

std::optional<double> Report::above(const RowResult& row, const std::string& base) const {
    const auto found =
        std::find_if(rows.begin(), rows.end(), [&](const RowResult& r) { return r.id == base; });
    if (found == rows.end() || !found->held() || !row.held()) return {};
    std::vector<double> differences = ns_of(row.samples);
    for (std::size_t repeat = 0; repeat < differences.size(); ++repeat)
        differences[repeat] -= found->samples[repeat].ns;
    return median(differences);
}

std::string terminal_table(const Report& report) {
    constexpr std::string_view kLine = "{:<44} {:>6} {:>9} {:<50} {:>11} {:>14} {:>8} {:>8}\n";
    std::string text = head(report) + "\n" +
                       fmt::format(fmt::runtime(kLine), "who decides", "rules", "at worst", "packets",
                                   "ns/packet", "low..high", "> drop", "> base");
    for (const RowResult& row : report.rows) {
        const Cells c = cells_of(report, row);
        text += fmt::format(fmt::runtime(kLine), c.system, c.rules, c.worst, c.does, c.total, c.spread,
                            c.above_floor, c.above_base);
    }
    return text + failures(report, "");
}

std::string markdown(const Report& report) {
    std::string text = head(report) +
                       "\n| who decides | services or rules | at worst: lines, rules | packets | ns per "
                       "packet | lowest..highest | "
                       "above bare XDP_DROP | "
                       "above its base row |\n|---|---|---|---|---|---|---|---|\n";
    for (const RowResult& row : report.rows) {
        const Cells c = cells_of(report, row);
        text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", c.system, c.rules, c.worst, c.does,
                            c.total, c.spread, c.above_floor, c.above_base);
    }
    const std::string failed = failures(report, "- ");
    return failed.empty() ? text : text + "\n" + failed;
}

nlohmann::json to_json(const Report& report) {
    nlohmann::json rows = nlohmann::json::array();
    for (const RowResult& row : report.rows) {
        nlohmann::json runs = nlohmann::json::array();
        for (const Sample& sample : row.samples)
            runs.push_back({{"ns_per_packet", sample.ns},
                            {"frames", sample.frames},
                            {"preemptions", sample.preemptions}});
        nlohmann::json item = {{"id", row.id},        {"system", row.system}, {"rules", row.rules},
                               {"packets", row.does}, {"gate", row.held()},   {"runs", runs},
                               {"floor", row.floor}};
        if (row.worst) item.update({{"worst_lines", row.worst->lines}, {"worst_rules", row.worst->rules}});
        if (!row.base.empty()) item["base"] = row.base;
        if (!row.held()) item["gate_failure"] = row.gate_failure;
        if (row.held()) item["median_ns"] = row.median_ns();
        if (const auto above = report.above(row, row.floor)) item["above_bare_drop_ns"] = *above;
        if (const auto above = report.above(row, row.base)) item["above_base_ns"] = *above;
        rows.push_back(std::move(item));
    }
    const Machine& m = report.machine;
    return {{"machine", to_json(m)},     {"date", m.date},
            {"commit", m.commit},        {"packets_on_cpu", report.cpu},
            {"repeats", report.repeats}, {"run_ms", report.run_ms},
            {"quick", report.quick},     {"rows", rows}};
}

}  // namespace dishwall::bench
