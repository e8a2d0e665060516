// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "control/dishctl/line_views.h"
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

// ---- flows and events

// "[2001:db8::1]:443", "192.0.2.1:443", "2001:db8::1".
std::string endpoint(const std::string& address, const json& ports, const char* name) {
    const json& port = part_of(ports, name);
    if (!port.is_number()) return address;
    const bool colons = address.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(colons ? "[{}]:{}" : "{}:{}"), address, port.get<unsigned>());
}

struct Ends {
    std::string protocol, source, destination;
};

Ends ends_of_packet(const json& flow) {
    const json& ip = part_of(flow, "IP");
    const json& l4 = part_of(flow, "l4");
    Ends ends{"", text_of(ip, "source"), text_of(ip, "destination")};
    if (!l4.is_object() || l4.empty()) return ends;
    const json& ports = l4.front();
    ends.protocol = l4.begin().key();
    ends.source = endpoint(ends.source, ports, "source_port");
    ends.destination = endpoint(ends.destination, ports, "destination_port");
    if (part_of(ports, "type").is_number())
        ends.protocol += fmt::format(" {}/{}", number_of(ports, "type"), number_of(ports, "code"));
    if (part_of(ports, "identifier").is_number())
        ends.protocol += fmt::format(" id {}", number_of(ports, "identifier"));
    return ends;
}

std::string or_reason(const json& object) {
    const std::string rule = text_of(object, "rule");
    return rule.empty() ? "(" + text_of(object, "reason") + ")" : rule;
}

// Columns that a flow with usual addresses needs on one line.
constexpr unsigned kWideFlows = 150;

Table wide_flows(const std::vector<const json*>& flows, const View& view) {
    Table table(view, {{"PROTO"},
                       {"FROM", Kind::shrinks},
                       {"TO", Kind::shrinks},
                       {"STATE"},
                       {"RULE", Kind::shrinks},
                       {"IN", Kind::right},
                       {"", Kind::right},
                       {"OUT", Kind::right},
                       {"", Kind::right},
                       {"LAST"},
                       {"ENDS IN", Kind::shrinks}});
    for (const json* flow : flows) {
        const Ends ends = ends_of_packet(*flow);
        table.add({ends.protocol, ends.source, ends.destination, text_of(*flow, "state"), or_reason(*flow),
                   text_of(*flow, "packets_in"), bytes_text(number_of(*flow, "bytes_in")),
                   text_of(*flow, "packets_out"), bytes_text(number_of(*flow, "bytes_out")),
                   clock_text(text_of(*flow, "last_seen")),
                   duration_text(static_cast<std::int64_t>(number_of(*flow, "timeout_in")))});
    }
    return table;
}

// Two lines a flow, for a small terminal: half an address would be of no use.
Table narrow_flows(const std::vector<const json*>& flows, const View& view) {
    Table table(view, {{"PROTO", Kind::lines},
                       {"FROM / TO", Kind::lines},
                       {"STATE / RULE", Kind::lines},
                       {"IN", Kind::lines},
                       {"OUT", Kind::lines},
                       {"LAST", Kind::lines}});
    for (const json* flow : flows) {
        const Ends ends = ends_of_packet(*flow);
        const std::size_t space = ends.protocol.find(' ');
        const std::string protocol = space == std::string::npos ? ends.protocol
                                                                : ends.protocol.substr(0, space) + "\n" +
                                                                      ends.protocol.substr(space + 1);
        table.add({protocol, ends.source + "\n" + ends.destination,
                   text_of(*flow, "state") + "\n" + or_reason(*flow),
                   text_of(*flow, "packets_in") + "\n" + bytes_text(number_of(*flow, "bytes_in")),
                   text_of(*flow, "packets_out") + "\n" + bytes_text(number_of(*flow, "bytes_out")),
                   clock_text(text_of(*flow, "last_seen")).substr(0, 8)});
    }
    return table;
}

// ---- counters

void add_counted(const json& all, bool also_zero, const std::function<void(const json&)>& add) {
    for (const json& one : all)
        if (also_zero || number_of(one, "packets") != 0) add(one);
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
    text +=
        field("rules", fmt::format("{} inbound, {} outbound; image {} of {}", text_of(rules, "inbound"),
                                   text_of(rules, "outbound"), bytes_text(number_of(reply, "image_bytes")),
                                   bytes_text(number_of(reply, "image_limit"))));
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
    return text + "\n" + prefix_table(part_of(reply, "prefixes"), view) +
           dns_table(part_of(reply, "dns"), view);
}

std::string counters_view(const json& reply, const View& view, bool all) {
    Table reasons(view, {{"VERDICT"},
                         {"REASON"},
                         {"PACKETS", Kind::right},
                         {"BYTES", Kind::right},
                         {"MEANING", Kind::shrinks}});
    Table rules(view, {{"VERDICT"},
                       {"RULE", Kind::shrinks},
                       {"PACKETS", Kind::right},
                       {"BYTES", Kind::right},
                       {"CHAIN"},
                       {"PLACE", Kind::shrinks}});
    std::size_t reason_rows = 0, rule_rows = 0;
    const auto verdict_of = [](const json& one) {
        const std::string verdict = text_of(one, "verdict");
        return Table::Cell(verdict, color_of_verdict(verdict));
    };
    add_counted(part_of(reply, "reasons"), all, [&](const json& one) {
        ++reason_rows;
        reasons.add({verdict_of(one), text_of(one, "name"), text_of(one, "packets"),
                     bytes_text(number_of(one, "bytes")), text_of(one, "text")});
    });
    add_counted(part_of(reply, "rules"), all, [&](const json& one) {
        ++rule_rows;
        rules.add({verdict_of(one), text_of(one, "name"), text_of(one, "packets"),
                   bytes_text(number_of(one, "bytes")), text_of(one, "chain"), text_of(one, "place")});
    });
    std::string text = reason_rows > 0 ? reasons.text() : "no packet has been judged yet\n";
    text += "\n" + (rule_rows > 0 ? rules.text() : std::string("no rule has matched a packet\n"));
    return text + (all ? "" : "\nonly what counted something is shown; --all shows the rest\n");
}

std::string flows_view(const json& reply, const View& view) {
    std::vector<const json*> flows;
    for (const json& flow : part_of(reply, "flows")) flows.push_back(&flow);
    if (flows.empty()) return "no flows\n";
    // ISO 8601 times of one zone sort as text.
    std::ranges::stable_sort(flows, std::greater<>(),
                             [](const json* flow) { return text_of(*flow, "last_seen"); });
    const bool narrow = view.width > 0 && view.width < kWideFlows;
    const Table table = narrow ? narrow_flows(flows, view) : wide_flows(flows, view);
    const std::uint64_t used = number_of(reply, "slots_used");
    const std::string count = flag_of(reply, "truncated")
                                  ? fmt::format("{} of {} flows; --limit 0 shows all", flows.size(), used)
                                  : fmt::format("{} flow{}", flows.size(), flows.size() == 1 ? "" : "s");
    return table.text() + "\n" + count + "\n";
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

std::string event_view(const json& event, const View& view) {
    const std::string kind = text_of(event, "kind");
    std::string text = clock_text(text_of(event, "time")) + " ";
    if (kind == "prefix" || kind == "host") {
        text += colored(fmt::format("{:<6}", kind), Color::yellow, view.color) + " ";
        return text + printable(text_of(event, "text")) + "\n";
    }
    const Ends ends = ends_of_packet(event);
    text += colored(fmt::format("{:<6}", kind), kind == "drop" ? Color::red : Color::green, view.color);
    text += fmt::format(" {:<3} {} {} > {}, {} bytes: {}", text_of(event, "direction"), ends.protocol,
                        ends.source, ends.destination, text_of(event, "length"), text_of(event, "reason"));
    if (const std::string rule = text_of(event, "rule"); !rule.empty()) text += ", rule " + printable(rule);
    if (const std::uint64_t skipped = number_of(event, "skipped"); skipped > 0)
        text += fmt::format(" ({} before it not shown)", skipped);
    return text + "\n";
}

std::string load_view(const json& reply) {
    const json& rules = part_of(reply, "rules");
    return fmt::format("{} is in force: {} inbound, {} outbound rules, generation {}\n",
                       printable(text_of(reply, "config")), text_of(rules, "inbound"),
                       text_of(rules, "outbound"), text_of(reply, "generation"));
}

}  // namespace dishwall
