// SPDX-License-Identifier: BSD-3-Clause
#include "bench/load/report.h"

#include <algorithm>

namespace dishwall::bench {
namespace {

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

template <typename Of>
std::vector<double> column(const std::vector<LoadCost>& loads, Of of) {
    std::vector<double> values;
    for (const LoadCost& cost : loads) values.push_back(of(cost));
    return values;
}

using Cells = std::vector<std::string>;

Cells cells_of(const LoadRow& row, double fastest) {
    const auto ms = column(row.loads, [](const LoadCost& cost) { return cost.ms; });
    const auto [least, most] = std::minmax_element(ms.begin(), ms.end());
    return {
        row.name, fmt::format("{:.0f}", median(ms)), fmt::format("{:.0f}..{:.0f}", *least, *most),
        fmt::format("{:.2f}", median(ms) / fastest),
        fmt::format("{:.0f}", median(column(row.loads, [](const LoadCost& cost) { return cost.peak_mib; })))};
}
const Cells kRowHead = {"what loads it", "ms", "lowest..highest", "times dishwall", "peak MiB"};

double median_ms(const LoadRow& row) {
    return median(column(row.loads, [](const LoadCost& cost) { return cost.ms; }));
}

std::vector<Cells> rows_of(const LoadReport& report) {
    std::vector<Cells> rows{kRowHead};
    for (const LoadRow& row : report.rows) rows.push_back(cells_of(row, median_ms(report.rows.front())));
    return rows;
}

std::vector<Cells> stage_rows(const LoadReport& report) {
    const auto of = [&](auto value) {
        std::vector<double> values;
        for (const Stages& stages : report.stages) values.push_back(value(stages));
        return fmt::format("{:.1f}", median(values));
    };
    return {{"dishwall, in one process", "ms"},
            {"parse: text to tree", of([](const Stages& s) { return s.parse_ms; })},
            {"read the feed", of([](const Stages& s) { return s.feed_ms; })},
            {"resolve, check, prove", of([](const Stages& s) { return s.prove_ms; })},
            {"lower: policy to image and ranges", of([](const Stages& s) { return s.lower_ms; })},
            {"swap: into the kernel's memory, in force", of([](const Stages& s) { return s.swap_ms; })},
            {"total", of([](const Stages& s) { return s.total_ms(); })},
            {"peak memory, MiB", of([](const Stages& s) { return s.peak_mib; })}};
}

std::string head(const LoadReport& report) {
    return fmt::format(
        "{}- {} rules and a feed of {} prefixes in place of a policy without rules; medians of {} loads, "
        "{}{}\n",
        markdown_lines(report.machine), report.size.rules, report.size.feed, report.stages.size(),
        "subjects in the order A B C C B A",
        report.quick ? "; **quick mode: the numbers mean nothing**" : "");
}

std::string aligned(const std::vector<Cells>& rows) {
    std::string text;
    for (const Cells& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            text += i == 0 ? fmt::format("{:<42}", row[i])
                           : fmt::format(" {:>15}{}", row[i], i + 1 == row.size() ? "\n" : "");
    return text;
}

std::string table(const std::vector<Cells>& rows) {
    std::string text = fmt::format("| {} |\n|", fmt::join(rows.front(), " | "));
    for (std::size_t i = 0; i < rows.front().size(); ++i) text += "---|";
    for (std::size_t i = 1; i < rows.size(); ++i) text += fmt::format("\n| {} |", fmt::join(rows[i], " | "));
    return text + "\n";
}

}  // namespace

std::string terminal_table(const LoadReport& report) {
    return head(report) + "\n" + aligned(rows_of(report)) + "\n" + aligned(stage_rows(report));
}

std::string markdown(const LoadReport& report) {
    return head(report) + "\n" + table(rows_of(report)) + "\n" + table(stage_rows(report));
}

nlohmann::json to_json(const LoadReport& report) {
    nlohmann::json stages = nlohmann::json::array(), rows = nlohmann::json::array();
    for (const Stages& one : report.stages) stages.push_back(to_json(one));
    for (const LoadRow& row : report.rows)
        rows.push_back({{"name", row.name},
                        {"ms", column(row.loads, [](const LoadCost& cost) { return cost.ms; })},
                        {"peak_mib", column(row.loads, [](const LoadCost& cost) { return cost.peak_mib; })}});
    return {{"machine", to_json(report.machine)},
            {"date", report.machine.date},
            {"commit", report.machine.commit},
            {"rules", report.size.rules},
            {"feed", report.size.feed},
            {"quick", report.quick},
            {"loads", rows},
            {"stages", stages}};
}

}  // namespace dishwall::bench
