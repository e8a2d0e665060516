// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/policy_views.h"

#include <fmt/format.h>

#include "control/dishctl/flow_views.h"
#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Kind = Table::Kind;

// ---- deadlines

// "2026-11-22 13:12:01 (in 2 min)"
std::string deadline_text(const std::string& iso_time, const View& view) {
    const auto at = unix_time(iso_time);
    if (!at) return iso_time;
    return fmt::format("{} (in {})", date_text(iso_time), duration_text(*at - view.now));
}

// What to do about a policy that goes away by itself.
std::string confirm_hint(const std::string& confirm_by, const View& view) {
    return colored(fmt::format("not confirmed: before {}, say", deadline_text(confirm_by, view)),
                   Color::yellow, view.color) +
           "\n  dishctl confirm     to keep it\n  dishctl rollback    to go back at once\n"
           "Without a word, the policy before it comes back by itself, also after a crash or a reboot.\n";
}

// ---- history

const char* color_of_policy(const std::string& state) {
    if (state == "in force") return "green";
    if (state == "in force, unconfirmed") return "yellow";
    return state == "reverted" ? "red" : nullptr;
}

// "load", "start"; "rollback to 3": asked for; "back to 3": nobody confirmed the one before.
std::string came_by(const json& policy) {
    const std::string by = text_of(policy, "by"), of = text_of(policy, "of");
    if (by == "rollback") return "rollback to " + of;
    return by == "revert" ? "back to " + of : by;
}

// ---- diff

// "policy 3 (/etc/dishwall/dishwall.conf, 2026-11-22 13:05:01)", "/etc/dishwall/dishwall.conf"
std::string side_text(const json& side) {
    if (!side.is_object()) return printable(side.is_null() ? "-" : side.dump());
    const std::string number = text_of(side, "number"), path = text_of(side, "path"),
                      time = text_of(side, "time");
    if (number.empty()) return printable(path);
    std::string text = "policy " + number;
    if (!path.empty()) text += " (" + path + (time.empty() ? "" : ", " + date_text(time)) + ")";
    return printable(text);
}

const char* color_of_change(const std::string& change) {
    if (change == "added") return "green";
    return change == "removed" ? "red" : "yellow";
}

void add_change(const json& one, Table* table) {
    const std::string change = text_of(one, "change"), before = text_of(one, "before"),
                      after = text_of(one, "after");
    const auto add = [&](const std::string& sign, const std::string& text, bool first) {
        table->add({Table::Cell(first ? change : "", color_of_change(change)),
                    first ? text_of(one, "chain") : "", first ? text_of(one, "name") : "", sign + text});
    };
    if (change == "changed") {
        add("- ", before, true);
        add("+ ", after, false);
    } else {
        add(change == "added"     ? "+ "
            : change == "removed" ? "- "
                                  : "  ",
            after.empty() ? before : after, true);
    }
}

std::string rule_changes(const json& rules, const View& view) {
    if (rules.empty()) return "no rule differs\n";
    Table table(view, {{"CHANGE"}, {"CHAIN"}, {"RULE"}, {"TEXT", Kind::wraps}});
    for (const json& one : rules) add_change(one, &table);
    return table.text();
}

std::string ending_flows(const json& reply, const View& view) {
    const json& flows = part_of(reply, "flows");
    const std::uint64_t total = number_of(reply, "flows_total"), judged = number_of(reply, "flows_judged"),
                        open = number_of(reply, "flows_open");
    std::string text = total == 0 ? "no open flow would end\n"
                                  : fmt::format("{} open flow{} would end:\n", total, total == 1 ? "" : "s");
    if (total > 0) text += flow_table(flows, view);
    if (flows.size() < total) text += fmt::format("and {} more\n", total - flows.size());
    if (judged < open)
        text += fmt::format("only {} of {} open flows were judged: there are too many\n", judged, open);
    return text;
}

}  // namespace

std::string load_view(const json& reply, const View& view) {
    const json& rules = part_of(reply, "rules");
    const std::string number = text_of(reply, "number"), confirm_by = text_of(reply, "confirm_by");
    std::string text =
        fmt::format("{} is in force{}: {} inbound, {} outbound rules, generation {}\n",
                    printable(text_of(reply, "config")), number.empty() ? "" : " as policy " + number,
                    text_of(rules, "inbound"), text_of(rules, "outbound"), text_of(reply, "generation"));
    return confirm_by.empty() ? text : text + confirm_hint(confirm_by, view);
}

std::string policies_view(const json& reply, const View& view) {
    const json& policies = part_of(reply, "policies");
    if (policies.empty()) return "no policy was ever in force\n";
    Table table(view, {{"POLICY", Kind::right},
                       {"SINCE"},
                       {"BY"},
                       {"STATE"},
                       {"IN/OUT", Kind::right},
                       {"FILE", Kind::shrinks}});
    std::string hint;
    for (const json& one : policies) {
        const std::string state = text_of(one, "state"), confirm_by = text_of(one, "confirm_by");
        const json& rules = part_of(one, "rules");
        table.add({text_of(one, "number"), date_text(text_of(one, "time")), came_by(one),
                   Table::Cell(state, color_of_policy(state)),
                   text_of(rules, "inbound") + "/" + text_of(rules, "outbound"), text_of(one, "path")});
        if (!confirm_by.empty())
            hint = fmt::format("\npolicy {} is {}", text_of(one, "number"), confirm_hint(confirm_by, view));
    }
    return table.text() + hint;
}

std::string diff_view(const json& reply, const View& view) {
    return field("from", side_text(part_of(reply, "a"))) + field("to", side_text(part_of(reply, "b"))) +
           "\n" + rule_changes(part_of(reply, "rules"), view) + "\n" + ending_flows(reply, view);
}

std::string policy_fields(const json& status, const View& view) {
    const std::string number = text_of(status, "policy_number");
    if (number.empty()) return {};
    const std::string by = text_of(part_of(status, "confirm"), "by");
    if (by.empty()) return field("policy", number);
    return field("policy",
                 colored(fmt::format("{}, NOT CONFIRMED: goes back at {}; 'dishctl confirm' keeps it", number,
                                     deadline_text(by, view)),
                         Color::yellow, view.color));
}

std::string feed_fields(const json& feeds, const View& view) {
    std::string text;
    for (const json& feed : feeds) {
        const std::string error = text_of(feed, "error"), read_at = text_of(feed, "read_at");
        const bool stale = flag_of(feed, "stale");
        std::string line = fmt::format("{}, {} entries of {}", text_of(feed, "name"),
                                       text_of(feed, "entries"), date_text(read_at));
        if (part_of(feed, "next_read_in").is_number())
            line += ", read again in " +
                    duration_text(static_cast<std::int64_t>(number_of(feed, "next_read_in")));
        if (stale) line += ", STALE";
        if (!error.empty()) line += ": " + error;
        line = printable(line);
        text += field("feed", stale || !error.empty() ? colored(line, Color::yellow, view.color) : line);
    }
    return text;
}

}  // namespace dishwall
