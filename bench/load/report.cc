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

double median_ms(const LoadRow& row) {
    return median(column(row.loads, [](const LoadCost& cost) { return cost.ms; }));
}

double median_mib(const LoadRow& row) {
    return median(column(row.loads, [](const LoadCost& cost) { return cost.peak_mib; }));
}

const Cells kRowHead = {"what loads it",   "rules",          "feed",    "loads", "ms",
                        "lowest..highest", "times dishwall", "peak MiB"};

Cells cells_of(const SizeReport& of, const LoadRow& row) {
    const auto ms = column(row.loads, [](const LoadCost& cost) { return cost.ms; });
    const auto [least, most] = std::minmax_element(ms.begin(), ms.end());
    return {row.name,
            fmt::format("{}", of.size.rules),
            fmt::format("{}", of.size.feed),
            fmt::format("{}", ms.size()),
            fmt::format("{:.0f}", median_ms(row)),
            fmt::format("{:.0f}..{:.0f}", *least, *most),
            fmt::format("{:.2f}", median_ms(row) / median_ms(of.rows.front())),
            fmt::format("{:.0f}", median_mib(row))};
}

std::vector<Cells> rows_of(const LoadReport& report) {
    std::vector<Cells> rows{kRowHead};
    for (const SizeReport& of : report.sizes)
        for (const LoadRow& row : of.rows) rows.push_back(cells_of(of, row));
    return rows;
}

struct StageLine {
    const char* what;
    double (*value)(const Stages&);
};
constexpr StageLine kStageLines[] = {
    {"parse: text to tree, ms", [](const Stages& s) { return s.parse_ms; }},
    {"read the feed, ms", [](const Stages& s) { return s.feed_ms; }},
    {"resolve: tree to policy; short files: checks, ms", [](const Stages& s) { return s.resolve_ms; }},
    {"lower: policy to image; long files: beside the checks, ms", [](const Stages& s) { return s.lower_ms; }},
    {"checks and proofs that took longer, ms", [](const Stages& s) { return s.prove_ms; }},
    {"swap: into the kernel's memory, in force, ms", [](const Stages& s) { return s.swap_ms; }},
    {"total, ms", [](const Stages& s) { return s.total_ms(); }},
    {"peak memory of the process, MiB", [](const Stages& s) { return s.peak_mib; }},
    {"loaded image, MiB", [](const Stages& s) { return s.image_mib; }}};

double median_of(const SizeReport& of, const StageLine& line) {
    std::vector<double> values;
    for (const Stages& stages : of.stages) values.push_back(line.value(stages));
    return median(values);
}

std::vector<Cells> stage_rows(const LoadReport& report) {
    std::vector<Cells> rows{{"dishwall, in one process: rules / feed"}};
    for (const SizeReport& of : report.sizes)
        rows.front().push_back(fmt::format("{} / {}", of.size.rules, of.size.feed));
    for (const StageLine& line : kStageLines) {
        Cells& row = rows.emplace_back(Cells{line.what});
        for (const SizeReport& of : report.sizes) row.push_back(fmt::format("{:.1f}", median_of(of, line)));
    }
    return rows;
}

std::string head(const LoadReport& report) {
    return fmt::format(
        "{}- each load in place of a policy without rules; medians, subjects in the order A B C C B A{}\n",
        markdown_lines(report.machine), report.quick ? "; **quick mode: the numbers mean nothing**" : "");
}

std::string aligned(const std::vector<Cells>& rows) {
    std::string text;
    for (const Cells& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i)
            text += i == 0 ? fmt::format("{:<44}", row[i])
                           : fmt::format(" {:>15}{}", row[i], i + 1 == row.size() ? "\n" : "");
    return text;
}

std::string table(const std::vector<Cells>& rows) {
    std::string text = fmt::format("| {} |\n|", fmt::join(rows.front(), " | "));
    for (std::size_t i = 0; i < rows.front().size(); ++i) text += "---|";
    for (std::size_t i = 1; i < rows.size(); ++i) text += fmt::format("\n| {} |", fmt::join(rows[i], " | "));
    return text + "\n";
}

nlohmann::json to_json(const SizeReport& of) {
    nlohmann::json stages = nlohmann::json::array(), rows = nlohmann::json::array();
    for (const Stages& one : of.stages) stages.push_back(to_json(one));
    for (const LoadRow& row : of.rows)
        rows.push_back({{"name", row.name},
                        {"median_ms", median_ms(row)},
                        {"ms", column(row.loads, [](const LoadCost& cost) { return cost.ms; })},
                        {"peak_mib", column(row.loads, [](const LoadCost& cost) { return cost.peak_mib; })}});
    nlohmann::json medians;
    for (const StageLine& line : kStageLines) medians[line.what] = median_of(of, line);
    return {{"rules", of.size.rules},
            {"feed", of.size.feed},
            {"loads", rows},
            {"stages", stages},
            {"medians", medians}};
}

}  // namespace

std::string terminal_table(const LoadReport& report) {
    return head(report) + "\n" + aligned(rows_of(report)) + "\n" + aligned(stage_rows(report));
}

std::string markdown(const LoadReport& report) {
    return head(report) + "\n" + table(rows_of(report)) + "\n" + table(stage_rows(report));
}

nlohmann::json to_json(const LoadReport& report) {
    nlohmann::json sizes = nlohmann::json::array();
    for (const SizeReport& of : report.sizes) sizes.push_back(to_json(of));
    return {{"machine", to_json(report.machine)},
            {"date", report.machine.date},
            {"commit", report.machine.commit},
            {"quick", report.quick},
            {"sizes", sizes}};
}

}  // namespace dishwall::bench
