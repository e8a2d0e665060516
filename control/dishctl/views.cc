// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/views.h"

#include <fmt/format.h>

#include <vector>

#include "control/dishctl/cost_text.h"
#include "control/dishctl/inspection_views.h"
#include "control/dishctl/line_views.h"
#include "control/dishctl/policy_views.h"
#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Kind = Table::Kind;

const char* color_of_verdict(const std::string& verdict) {
    if (verdict == "accept") return "green";
    return verdict == "drop" || verdict == "reject" || verdict == "reject-late" ? "red" : nullptr;
}

const char* color_of_state(const std::string& state) {
    if (state == "preferred") return "green";
    return state == "grace" ? "red" : "yellow";
}

// ---- prefixes

// "4 min 55 s", "forever" for a live prefix whose addresses have no end.
std::string time_left(const json& prefix, const char* name, const View& view) {
    const json& until = part_of(prefix, name);
    if (!until.is_number()) return "";
    return duration_text(until.get<std::int64_t>() - view.now);
}

std::string ends_of(const json& prefix, const View& view) {
    if (flag_of(prefix, "no_room")) return "no room: not ours";
    if (const std::string left = time_left(prefix, "grace_until", view); !left.empty())
        return "gone in " + left;
    if (part_of(prefix, "grace_left").is_number())
        return "gone " + duration_text(part_of(prefix, "grace_left").get<std::int64_t>()) +
               " after the line is up";
    const std::string valid = time_left(prefix, "valid_until", view);
    const std::string preferred = time_left(prefix, "preferred_until", view);
    if (valid.empty()) return "";
    return preferred.empty() ? "valid " + valid : fmt::format("valid {}, preferred {}", valid, preferred);
}

std::string prefix_table(const json& prefixes, const View& view) {
    if (prefixes.empty()) return "no prefix is known yet: nothing behind the line can be reached\n";
    Table table(view, {{"SOURCE"}, {"PREFIX"}, {"STATE"}, {"", Kind::fixed}, {"LIFETIME", Kind::shrinks}});
    for (const json& prefix : prefixes) {
        const std::string state = text_of(prefix, "state");
        table.add({text_of(prefix, "source"), text_of(prefix, "prefix"),
                   Table::Cell(state, color_of_state(state)), flag_of(prefix, "onlink") ? "on-link" : "",
                   ends_of(prefix, view)});
    }
    return table.text();
}

// ---- counters

std::vector<const json*> counted(const json& all, bool also_zero) {
    std::vector<const json*> list;
    for (const json& one : all)
        if (also_zero || number_of(one, "packets") != 0) list.push_back(&one);
    return list;
}

Table::Cell verdict_cell(const json& one) {
    const std::string verdict = text_of(one, "verdict");
    return {verdict, color_of_verdict(verdict)};
}

std::string reasons_table(const std::vector<const json*>& reasons, const View& view) {
    Table table(view, {{"VERDICT"},
                       {"REASON"},
                       {"PACKETS", Kind::right},
                       {"BYTES", Kind::right},
                       {"MEANING", Kind::shrinks}});
    for (const json* one : reasons)
        table.add({verdict_cell(*one), text_of(*one, "name"), text_of(*one, "packets"),
                   bytes_text(number_of(*one, "bytes")), text_of(*one, "text")});
    return table.text();
}

std::string rules_table(const std::vector<const json*>& rules, const View& view) {
    Table table(view, {{"VERDICT"},
                       {"RULE", Kind::shrinks},
                       {"PACKETS", Kind::right},
                       {"BYTES", Kind::right},
                       {"CHAIN"},
                       {"PLACE", Kind::shrinks}});
    for (const json* one : rules)
        table.add({verdict_cell(*one), text_of(*one, "name"), text_of(*one, "packets"),
                   bytes_text(number_of(*one, "bytes")), text_of(*one, "chain"), text_of(*one, "place")});
    return table.text();
}

// ---- status

std::string uplink_text(const json& reply, const View& view) {
    const std::string interface = text_of(reply, "interface"), state = text_of(reply, "state");
    const std::string uplink = text_of(reply, "uplink");
    if (state == "waiting")
        return colored(
            fmt::format("{}: waiting for {}, and nothing passes through that name until it is armed", uplink,
                        interface),
            Color::yellow, view.color);
    if (state == "closed")
        return colored(fmt::format("{}: {} (index {}) is CLOSED: {}", uplink, interface,
                                   text_of(reply, "ifindex"), printable(text_of(reply, "trouble"))),
                       Color::red, view.color);
    const bool generic = text_of(reply, "xdp_mode") == "generic";
    return fmt::format("{} on {} (index {}), XDP {}{}, egress {}", uplink, interface,
                       text_of(reply, "ifindex"), text_of(reply, "xdp_mode"),
                       generic ? " (slower than native)" : "", text_of(reply, "egress"));
}

// What the policy in force takes of memory, and of a packet's time at the most.
std::string image_fields(const json& image) {
    const std::uint64_t chunks = number_of(image, "chunks");
    std::string text = field(
        "image", fmt::format("{} of {}, {} held in {} chunk{}", bytes_text(number_of(image, "bytes")),
                             bytes_text(number_of(image, "limit")), bytes_text(number_of(image, "held")), chunks,
                             chunks == 1 ? "" : "s"));
    for (const char* chain : {"inbound", "outbound"}) text += field(chain, cost_text(part_of(image, chain)));
    return text;
}

std::string guard_text(const json& guard, const View& view) {
    if (const std::string trouble = text_of(guard, "trouble"); !trouble.empty())
        return colored("NOT as it should be: " + printable(trouble), Color::red, view.color);
    const json& held = part_of(guard, "held_back");
    return fmt::format("nftables table inet {}, held back {} packets in, {} out", text_of(guard, "table"),
                       number_of(part_of(held, "inbound"), "packets"),
                       number_of(part_of(held, "outbound"), "packets"));
}

}  // namespace

std::string prefix_view(const json& reply, const View& view) {
    std::string text = prefix_table(part_of(reply, "prefixes"), view);
    std::string self;
    for (const json& address : part_of(reply, "self"))
        self += (self.empty() ? "" : " ") + address.get<std::string>();
    text += "\n" + field("this box", self.empty() ? "has no address" : self);
    if (part_of(reply, "enforced_in_us").is_number())
        text += field("last change", fmt::format("was in force {} us after the kernel told of it",
                                                 number_of(reply, "enforced_in_us")));
    return text;
}

std::string status_view(const json& reply, const View& view) {
    const json& rules = part_of(reply, "rules");
    const json& flows = part_of(reply, "flow_table");
    std::string text;
    text += field("uplink", uplink_text(reply, view));
    text += line_fields(part_of(reply, "line"), view);
    text += field("guard", guard_text(part_of(reply, "guard"), view));
    text +=
        field("rule file", fmt::format("{}, loaded {}, generation {}", printable(text_of(reply, "config")),
                                       date_text(text_of(reply, "loaded_at")), text_of(reply, "generation")));
    text += policy_fields(reply, view);
    text += field("rules", fmt::format("{} inbound, {} outbound", text_of(rules, "inbound"),
                                       text_of(rules, "outbound")));
    text += image_fields(part_of(reply, "image"));
    text += field("flow table", fmt::format("{} flows at most, {}", text_of(flows, "slots"),
                                            bytes_text(number_of(flows, "bytes"))));
    text += field("daemon", fmt::format("dishwalld {}, process {}, layout {}, pins in {}",
                                        text_of(reply, "version"), text_of(reply, "pid"),
                                        text_of(reply, "layout"), printable(text_of(reply, "pin_dir"))));
    for (const json& router : part_of(reply, "routers"))
        text += field("router",
                      fmt::format("{}, for another {}", text_of(router, "address"),
                                  duration_text(static_cast<std::int64_t>(number_of(router, "expires_in")))));
    text += hosts_field(part_of(reply, "hosts"));
    text += feed_fields(part_of(reply, "feeds"), view);
    text += inspection_fields(part_of(reply, "inspection"), view);
    return text + "\n" + prefix_table(part_of(reply, "prefixes"), view) +
           dns_table(part_of(reply, "dns"), view);
}

std::string counters_view(const json& reply, const View& view, bool all) {
    const auto reasons = counted(part_of(reply, "reasons"), all),
               rules = counted(part_of(reply, "rules"), all);
    std::string text = reasons.empty() ? "no packet has been judged yet\n" : reasons_table(reasons, view);
    text += "\n" + (rules.empty() ? std::string("no rule has matched a packet\n") : rules_table(rules, view));
    return text + (all ? "" : "\nonly what counted something is shown; --all shows the rest\n");
}

std::string rule_counters_view(const json& reply, const View& view) {
    return rules_table(counted(part_of(reply, "rules"), true), view);
}

std::string explain_view(const json& reply, const View& view) {
    std::string text;
    for (const json& step : part_of(reply, "steps")) text += "  " + printable(step.get<std::string>()) + "\n";
    const std::string verdict = text_of(reply, "verdict");
    const json& rule = part_of(reply, "rule");
    text += colored(verdict, verdict == "accept" ? Color::green : Color::red, view.color);
    text += ": " + text_of(reply, "reason_text");
    if (rule.is_object())
        text += printable(fmt::format(", rule {} at {}", text_of(rule, "name"), text_of(rule, "place")));
    text += "\n";
    if (part_of(reply, "agree") == false)
        text += colored(
            "THE PROGRAM AND THE EVALUATOR DISAGREE: this is a bug in dishwall, please report it with this "
            "output and the rule file\n",
            Color::red, view.color);
    return text;
}

}  // namespace dishwall
