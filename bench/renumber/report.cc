// SPDX-License-Identifier: BSD-3-Clause
#include "bench/renumber/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace dishwall::bench {
namespace {

constexpr double kSteps[] = {50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000};  // us
constexpr std::string_view kLine = "{:>8} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>12} {:>12} {:>12}\n";

std::vector<double> sorted(const PolicyTimes& policy, double Opening::*number) {
    std::vector<double> values;
    for (const Opening& opening : policy.openings) values.push_back(opening.*number);
    std::sort(values.begin(), values.end());
    return values;
}

// The smallest value that this share of all does not exceed.
double quantile(const std::vector<double>& values, double share) {
    if (values.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
    return values[std::max<std::size_t>(rank, 1) - 1];
}

std::vector<std::string> cells_of(const PolicyTimes& policy) {
    const auto total = sorted(policy, &Opening::total_us), daemon = sorted(policy, &Opening::daemon_us);
    std::vector<std::string> cells{fmt::format("{}", policy.rules), fmt::format("{}", policy.image_bytes),
                                   fmt::format("{}", policy.openings.size())};
    for (const double share : {0.0, 0.5, 0.99, 1.0})
        cells.push_back(fmt::format("{:.0f}", quantile(total, share)));
    for (const double share : {0.5, 0.99, 1.0})
        cells.push_back(fmt::format("{:.0f}", quantile(daemon, share)));
    return cells;
}

std::string head(const RenumberReport& report) {
    return fmt::format("{}- {} rounds, policies in the order A B B A{}\n", markdown_lines(report.machine),
                       report.rounds, report.quick ? "; **quick mode: the numbers mean nothing**" : "");
}

// Of the last policy to the first: how much a longer one costs.
std::string ratio(const RenumberReport& report) {
    const PolicyTimes &small = report.policies.front(), &large = report.policies.back();
    const auto a = sorted(small, &Opening::total_us), b = sorted(large, &Opening::total_us);
    if (a.empty() || b.empty()) return {};
    return fmt::format("{} rules took {:.2f} times as long as {} at the median, {:.2f} times at p99",
                       large.rules, quantile(b, 0.5) / quantile(a, 0.5), small.rules,
                       quantile(b, 0.99) / quantile(a, 0.99));
}

struct Step {
    std::string name;
    std::vector<std::size_t> counts;  // policy by policy
};

std::vector<Step> histogram(const RenumberReport& report) {
    std::vector<Step> steps;
    double from = 0;
    const auto add = [&](const std::string& name, double to) {
        Step& step = steps.emplace_back(Step{name, {}});
        for (const PolicyTimes& policy : report.policies)
            step.counts.push_back(static_cast<std::size_t>(std::count_if(
                policy.openings.begin(), policy.openings.end(),
                [&](const Opening& opening) { return opening.total_us >= from && opening.total_us < to; })));
        from = to;
    };
    for (const double to : kSteps) add(fmt::format("{:.0f}..{:.0f} us", from, to), to);
    add(fmt::format("{:.0f} us and more", from), INFINITY);
    return steps;
}

}  // namespace

std::string terminal_table(const RenumberReport& report) {
    std::string text = head(report) + "\n" +
                       fmt::format(fmt::runtime(kLine), "rules", "image B", "openings", "min us", "p50 us",
                                   "p99 us", "max us", "daemon p50", "daemon p99", "daemon max");
    for (const PolicyTimes& policy : report.policies) {
        const auto c = cells_of(policy);
        text += fmt::format(fmt::runtime(kLine), c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], c[9]);
    }
    text += ratio(report) + "\n\n";
    for (const Step& step : histogram(report)) {
        text += fmt::format("{:>16}", step.name);
        for (const std::size_t count : step.counts) text += fmt::format(" {:>8}", count);
        text += "\n";
    }
    return text;
}

std::string markdown(const RenumberReport& report) {
    std::string text =
        head(report) +
        "\n| rules | image, bytes | openings | min us | p50 us | p99 us | max us | the daemon's own p50 "
        "us | p99 us | max us |\n|---|---|---|---|---|---|---|---|---|---|\n";
    for (const PolicyTimes& policy : report.policies)
        text += fmt::format("| {} |\n", fmt::join(cells_of(policy), " | "));
    text += "\n" + ratio(report) + ".\n\n| request to store |";
    for (const PolicyTimes& policy : report.policies) text += fmt::format(" {} rules |", policy.rules);
    text += "\n|---|";
    for (std::size_t i = 0; i < report.policies.size(); ++i) text += "---|";
    for (const Step& step : histogram(report))
        text += fmt::format("\n| {} | {} |", step.name, fmt::join(step.counts, " | "));
    return text + "\n";
}

nlohmann::json to_json(const RenumberReport& report) {
    nlohmann::json policies = nlohmann::json::array();
    for (const PolicyTimes& policy : report.policies) {
        nlohmann::json total = nlohmann::json::array(), daemon = nlohmann::json::array();
        for (const Opening& opening : policy.openings) {
            total.push_back(opening.total_us);
            daemon.push_back(opening.daemon_us);
        }
        policies.push_back({{"rules", policy.rules},
                            {"image_bytes", policy.image_bytes},
                            {"request_to_store_us", total},
                            {"daemon_us", daemon}});
    }
    return {{"machine", to_json(report.machine)},
            {"date", report.machine.date},
            {"commit", report.machine.commit},
            {"rounds", report.rounds},
            {"quick", report.quick},
            {"policies", policies}};
}

}  // namespace dishwall::bench
