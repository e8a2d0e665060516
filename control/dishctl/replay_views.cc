// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/replay_views.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;

const char* color_of(const std::string& verdict) { return verdict == "accept" ? "green" : "red"; }

std::string counted(std::uint64_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string first_lines(const json& document) {
    std::string text =
        fmt::format("{}: {} in {}, {} in and {} out, {}\n", printable(text_of(document, "capture")),
                    counted(number_of(document, "packets"), "packet"),
                    duration_text(static_cast<std::int64_t>(document.value("seconds", 0.0))),
                    number_of(document, "packets_in"), number_of(document, "packets_out"),
                    bytes_text(number_of(document, "bytes")));
    for (const json& change : part_of(document, "line"))
        text += fmt::format("  {:<12} {}\n",
                            change["packet"].is_null() ? "before" : "packet " + text_of(change, "packet"),
                            printable(text_of(change, "text")));
    return text;
}

std::string names_in(const json& names) {
    std::string text;
    for (const json& name : names) text += (text.empty() ? "" : ", ") + printable(name.get<std::string>());
    return text;
}

// What the report cannot know. It stands in front of it.
std::string doubts(const json& document) {
    std::string text;
    if (const std::uint64_t early = number_of(document, "before_prefix"); early > 0)
        text += fmt::format(
            "{} came before the capture says what our prefix was, and were judged without; --prefix says it "
            "from "
            "the first packet on\n",
            counted(early, "packet"));
    if (const json& hosts = part_of(document, "hosts_unknown"); !hosts.empty())
        text += fmt::format("no address is known of hosts that are learnt while a policy runs: {}\n",
                            names_in(hosts));
    return text;
}

std::string results_table(const json& side, const View& view) {
    if (part_of(side, "results").empty()) return "no packets\n";
    Table table(view, {{"VERDICT"},
                       {"REASON"},
                       {"RULE", Table::Kind::shrinks},
                       {"PACKETS", Table::Kind::right},
                       {"BYTES", Table::Kind::right}});
    for (const json& row : part_of(side, "results")) {
        const std::string verdict = text_of(row, "verdict");
        table.add({{verdict, color_of(verdict)},
                   text_of(row, "reason"),
                   printable(text_of(row, "rule")),
                   text_of(row, "packets"),
                   bytes_text(number_of(row, "bytes"))});
    }
    return table.text();
}

std::string flows_line(const json& side) {
    const json& flows = part_of(side, "flows");
    std::string text =
        fmt::format("{}: {} opened from inside, {} from outside; {} ended, {} open at the end",
                    counted(number_of(flows, "total"), "flow"), number_of(flows, "inside"),
                    number_of(flows, "outside"), number_of(flows, "ended"), number_of(flows, "open"));
    if (!part_of(side, "inspection").is_null())
        text += fmt::format(", {} matched", number_of(flows, "matched"));
    return text + "\n";
}

bool was_inspected(const json& side) {
    return std::ranges::any_of(part_of(side, "results"),
                               [](const json& row) { return text_of(row, "reason") == "inspect"; });
}

std::string end_of(const json& match, const char* which, const char* port) {
    std::string text = text_of(part_of(match, "IP"), which);
    for (const json& l4 : part_of(match, "l4"))
        if (l4.contains(port)) text = fmt::format("[{}]:{}", text, number_of(l4, port));
    return text;
}

std::string matches_text(const json& side, const View& view) {
    const json& inspection = part_of(side, "inspection");
    if (inspection.is_null())
        return was_inspected(side) ? "what was to be inspected was not searched; --signatures does\n" : "";
    const std::uint64_t matched = number_of(inspection, "matched");
    std::string text = fmt::format("{} searched, {} match{}\n", bytes_text(number_of(inspection, "bytes")),
                                   matched, matched == 1 ? "" : "es");
    const json& matches = part_of(inspection, "matches");
    if (matches.empty()) return text;
    Table table(view, {{"PACKET", Table::Kind::right},
                       {"SIGNATURE"},
                       {"ACTION"},
                       {"RULE", Table::Kind::shrinks},
                       {"FROM", Table::Kind::shrinks},
                       {"TO", Table::Kind::shrinks}});
    for (const json& match : matches)
        table.add({text_of(match, "packet"),
                   printable(text_of(match, "signatures")) + ":" + text_of(match, "signature"),
                   {text_of(match, "action"), "red"},
                   printable(text_of(match, "rule")),
                   end_of(match, "source", "source_port"),
                   end_of(match, "destination", "destination_port")});
    text += "\n" + table.text();
    if (matched > matches.size()) text += fmt::format("and {} more\n", matched - matches.size());
    return text;
}

std::string who_decides(const json& difference, const char* name) {
    const std::string rule = text_of(difference, name);
    return rule.empty() ? "(no rule)" : printable(rule);
}

std::string differences_table(const json& differences, const View& view) {
    Table table(view, {{"PACKETS", Table::Kind::right},
                       {"FLOWS", Table::Kind::right},
                       {"NOW"},
                       {"BY RULE", Table::Kind::shrinks},
                       {"THEN"},
                       {"BY RULE", Table::Kind::shrinks},
                       {"FOR EXAMPLE", Table::Kind::shrinks}});
    for (const json& one : differences) {
        const std::string now = text_of(one, "verdict_now"), then = text_of(one, "verdict_then");
        table.add({text_of(one, "packets"),
                   text_of(one, "flows"),
                   {now, color_of(now)},
                   who_decides(one, "rule_now"),
                   {then, color_of(then)},
                   who_decides(one, "rule_then"),
                   fmt::format("{}: {}", number_of(one, "packet"), printable(text_of(one, "example")))});
    }
    return table.text();
}

std::string against_text(const json& document, const View& view) {
    const json& against = part_of(document, "against");
    if (against.is_null()) return "";
    const std::string other = printable(text_of(against, "config"));
    std::string text =
        fmt::format("\nwith {}:\n{}{}", other, flows_line(against), matches_text(against, view));
    if (const json& hosts = part_of(against, "hosts_unknown"); !hosts.empty())
        text += fmt::format("no address is known of hosts that are learnt while a policy runs: {}\n",
                            names_in(hosts));
    const std::uint64_t differing = number_of(document, "differing");
    if (differing == 0) return text + "no packet would have another verdict, or be decided by another rule\n";
    text +=
        fmt::format("{} would have another verdict, or be decided by another rule\n\n{}",
                    counted(differing, "packet"), differences_table(part_of(document, "differences"), view));
    if (const std::uint64_t unlisted = number_of(document, "unlisted"); unlisted > 0)
        text += fmt::format("and {} with other pairs of rules\n", counted(unlisted, "packet"));
    return text;
}

}  // namespace

std::string replay_view(const json& document, const View& view) {
    return first_lines(document) + doubts(document) + "\n" + results_table(document, view) + "\n" +
           flows_line(document) + matches_text(document, view) + against_text(document, view);
}

}  // namespace dishwall
