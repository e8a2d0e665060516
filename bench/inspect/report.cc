// SPDX-License-Identifier: BSD-3-Clause
#include "bench/inspect/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dishwall::bench {
namespace {

using Cells = std::vector<std::string>;

std::string spread(std::vector<double> values, const char* format) {
    if (values.empty()) return "";
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return fmt::format(fmt::runtime(std::string(format) + ".." + format), *least, *most);
}

std::string rate(const SearchResult& result, Who who) {
    return fmt::format("{:.1f} ({})", result.median(who), spread(result.gbit[who], "{:.1f}"));
}

// Gbit/s, and how much that is of what Hyperscan does with streams.
std::string rate_and_share(const SearchResult& result, Who who) {
    return fmt::format("{:.1f} ({:.0f} %)", result.median(who), 100 * result.share(who, kStreams));
}

std::vector<Cells> search_rows(const InspectReport& report) {
    std::vector<Cells> rows{{"what is searched", "signatures", "bytes a segment", "hs_scan_stream", "hs_scan",
                             "engine", "worker, rings", "worker, AF_XDP on veth",
                             "ns a segment beside the search"}};
    for (const SearchResult& result : report.searches) {
        if (!result.held()) continue;
        const double bytes = static_cast<double>(result.bytes) / static_cast<double>(result.segments);
        const auto ns = [&](Who who) { return bytes * 8 / result.median(who); };
        rows.push_back({result.content, fmt::format("{} ({})", result.signatures, result.patterns),
                        fmt::format("{:.0f}", bytes), rate(result, kStreams), rate_and_share(result, kBlocks),
                        rate_and_share(result, kEngine), rate_and_share(result, kRings),
                        rate_and_share(result, kVeth),
                        fmt::format("{:.0f}, {:.0f}, {:.0f}", ns(kEngine) - ns(kStreams),
                                    ns(kRings) - ns(kStreams), ns(kVeth) - ns(kStreams))});
    }
    return rows;
}

std::vector<Cells> latency_rows(const InspectReport& report) {
    std::vector<Cells> rows{
        {"one datagram at a time", "port", "p50, us", "p99, us", "added: p50", "added: p99"}};
    for (const LatencyRow& row : report.latency) {
        const auto at = [](const std::vector<double>& values, double share) {
            return percentile(values, share);
        };
        const auto cell = [](double us) { return fmt::format("{:.1f}", us); };
        rows.push_back(
            {row.does, "not inspected", cell(at(row.plain_us, 0.5)), cell(at(row.plain_us, 0.99)), "", ""});
        rows.push_back({row.does, "inspected", cell(at(row.inspected_us, 0.5)),
                        cell(at(row.inspected_us, 0.99)),
                        cell(at(row.inspected_us, 0.5) - at(row.plain_us, 0.5)),
                        cell(at(row.inspected_us, 0.99) - at(row.plain_us, 0.99))});
    }
    return rows;
}

std::vector<Cells> passing_rows(const InspectReport& report) {
    std::vector<Cells> rows{{"packets that are not inspected", "ns, no rule inspects",
                             "ns, one does for another port", "difference within a repeat", "its quartiles",
                             "lowest..highest", "another without: difference, quartiles"}};
    for (const PassingRow& row : report.passing) {
        if (!row.held()) continue;
        const std::vector<double> differences = row.differences(row.with), twins = row.differences(row.twin);
        rows.push_back(
            {row.does, fmt::format("{:.0f}", median_of(row.without)),
             fmt::format("{:.0f}", median_of(row.with)), fmt::format("{:+.0f}", median_of(differences)),
             fmt::format("{:+.0f}..{:+.0f}", percentile(differences, 0.25), percentile(differences, 0.75)),
             spread(differences, "{:+.0f}"),
             fmt::format("{:+.0f}, {:+.0f}..{:+.0f}", median_of(twins), percentile(twins, 0.25),
                         percentile(twins, 0.75))});
    }
    return rows;
}

std::string head(const InspectReport& report) {
    return fmt::format("{}- medians of {} runs, everybody in turns, A B B A{}\n",
                       markdown_lines(report.machine), report.repeats,
                       report.quick ? "; **quick mode: the numbers mean nothing**" : "");
}

std::string failures(const InspectReport& report) {
    std::string text;
    for (const SearchResult& result : report.searches)
        if (!result.held()) text += fmt::format("- {}: gate failed: {}\n", result.id(), result.failure);
    for (const PassingRow& row : report.passing)
        if (!row.held()) text += fmt::format("- {}: gate failed: {}\n", row.id, row.failure);
    return text;
}

std::string aligned(const std::vector<Cells>& rows) {
    std::string text;
    for (const Cells& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::size_t width = 0;
            for (const Cells& other : rows) width = std::max(width, other[i].size());
            text += fmt::format("{:<{}}  ", row[i], width);
        }
        text += "\n";
    }
    return text + "\n";
}

std::string table(const std::vector<Cells>& rows) {
    std::string text = fmt::format("| {} |\n|", fmt::join(rows.front(), " | "));
    for (std::size_t i = 0; i < rows.front().size(); ++i) text += "---|";
    for (std::size_t i = 1; i < rows.size(); ++i) text += fmt::format("\n| {} |", fmt::join(rows[i], " | "));
    return text + "\n\n";
}

nlohmann::json json_of(const SearchResult& result) {
    nlohmann::json item = {
        {"id", result.id()},           {"content", result.content},   {"signatures", result.signatures},
        {"patterns", result.patterns}, {"segments", result.segments}, {"bytes", result.bytes},
        {"held", result.held()},       {"failure", result.failure}};
    for (unsigned who = 0; result.held() && who < kContenders; ++who) {
        const auto one = static_cast<Who>(who);
        item[kContenderIds[who]] = result.median(one);
        item[std::string(kContenderIds[who]) + "_of_streams"] = result.share(one, kStreams);
        item[std::string(kContenderIds[who]) + "_of_blocks"] = result.share(one, kBlocks);
        item["runs"][kContenderIds[who]] = result.gbit[who];
    }
    return item;
}

nlohmann::json json_of(const LatencyRow& row) {
    return {{"id", row.id},
            {"does", row.does},
            {"datagrams", row.plain_us.size()},
            {"plain_p50_us", percentile(row.plain_us, 0.5)},
            {"plain_p99_us", percentile(row.plain_us, 0.99)},
            {"inspected_p50_us", percentile(row.inspected_us, 0.5)},
            {"inspected_p99_us", percentile(row.inspected_us, 0.99)}};
}

nlohmann::json json_of(const PassingRow& row) {
    const std::vector<double> differences = row.differences(row.with);
    return {{"id", "passing-" + row.id},
            {"does", row.does},
            {"held", row.held()},
            {"failure", row.failure},
            {"without_ns", row.without},
            {"with_ns", row.with},
            {"twin_ns", row.twin},
            {"twin_difference_ns", median_of(row.differences(row.twin))},
            {"twin_upper_quartile_ns", percentile(row.differences(row.twin), 0.75)},
            {"difference_ns", median_of(differences)},
            {"lower_quartile_ns", percentile(differences, 0.25)},
            {"upper_quartile_ns", percentile(differences, 0.75)}};
}

}  // namespace

bool InspectReport::all_gates_held() const { return failures(*this).empty(); }

std::string terminal_table(const InspectReport& report) {
    return head(report) + "\n" + aligned(search_rows(report)) + aligned(latency_rows(report)) +
           aligned(passing_rows(report)) + failures(report);
}

std::string markdown(const InspectReport& report) {
    return head(report) + "\n" + table(search_rows(report)) + table(latency_rows(report)) +
           table(passing_rows(report)) + failures(report);
}

nlohmann::json to_json(const InspectReport& report) {
    nlohmann::json rows = nlohmann::json::array();
    for (const SearchResult& result : report.searches) rows.push_back(json_of(result));
    for (const LatencyRow& row : report.latency) rows.push_back(json_of(row));
    for (const PassingRow& row : report.passing) rows.push_back(json_of(row));
    return {{"machine", to_json(report.machine)},
            {"date", report.machine.date},
            {"commit", report.machine.commit},
            {"repeats", report.repeats},
            {"quick", report.quick},
            {"rows", rows}};
}

}  // namespace dishwall::bench
