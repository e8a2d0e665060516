// SPDX-License-Identifier: BSD-3-Clause
#include "bench/reload/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace dishwall::bench {
namespace {

// Classes of one kind together, in the order of their names.
std::map<std::string_view, ClassCount> by_kind(const ReloadReport& report) {
    std::map<std::string_view, ClassCount> kinds;
    for (unsigned number = 0; number < DW_CLASSES; ++number) {
        const ClassCount& count = report.classes[number];
        ClassCount& sum = kinds[kind_of_class(number).name];
        sum.offered += count.offered;
        sum.passed += count.passed;
        sum.settled += count.settled;
    }
    return kinds;
}

double quantile(std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

std::uint64_t frames(const ReloadReport& report) {
    std::uint64_t sum = 0;
    for (const ClassCount& count : report.classes) sum += count.offered;
    return sum;
}

std::string summary(const ReloadReport& report) {
    return fmt::format(
        "{} loads and {} frames in {:.1f} s, {:.0f} frames a second; {} frames passed as part of a flow; a "
        "load took "
        "{:.1f} ms at the median, {:.1f} at p99, {:.1f} at most",
        report.load_ms.size(), frames(report), report.seconds,
        static_cast<double>(frames(report)) / report.seconds, report.by_flow, quantile(report.load_ms, 0.5),
        quantile(report.load_ms, 0.99), quantile(report.load_ms, 1));
}

}  // namespace

std::string terminal_table(const ReloadReport& report) {
    std::string text =
        fmt::format("{:<32} {:>12} {:>12} {:>14}\n", "frames", "offered", "passed", "between loads");
    for (const auto& [name, count] : by_kind(report))
        text +=
            fmt::format("{:<32} {:>12} {:>12} {:>14}\n", name, count.offered, count.passed, count.settled);
    return text + summary(report) +
           "\nevery frame met the verdict of one of the two policies, and no counter went backwards\n";
}

std::string markdown(const ReloadReport& report, const Machine& machine) {
    std::string text = markdown_lines(machine) +
                       "\n| frames | offered | passed | of the offered, between loads |\n|---|---|---|---|\n";
    for (const auto& [name, count] : by_kind(report))
        text += fmt::format("| {} | {} | {} | {} |\n", name, count.offered, count.passed, count.settled);
    return text + "\n" + summary(report) + ".\n";
}

nlohmann::json to_json(const ReloadReport& report, const Machine& machine) {
    nlohmann::json kinds = nlohmann::json::array();
    for (const auto& [name, count] : by_kind(report))
        kinds.push_back({{"name", name},
                         {"offered", count.offered},
                         {"passed", count.passed},
                         {"offered_between_loads", count.settled}});
    return {{"machine", to_json(machine)}, {"date", machine.date},
            {"commit", machine.commit},    {"kinds", kinds},
            {"by_flow", report.by_flow},   {"seconds", report.seconds},
            {"load_ms", report.load_ms}};
}

}  // namespace dishwall::bench
