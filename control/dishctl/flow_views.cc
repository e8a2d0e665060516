// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/flow_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Kind = Table::Kind;

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

// "match of signature 17 of exploits, rule web; its source is refused for 10 min"
std::string finding_text(const json& event) {
    const std::string set = text_of(event, "signatures"), rule = text_of(event, "rule");
    std::string text = text_of(event, "kind");
    if (number_of(event, "signature") != 0)
        text += fmt::format(" of signature {} of {}", number_of(event, "signature"),
                            set.empty() ? "an earlier policy" : set);
    if (!rule.empty()) text += ", rule " + rule;
    if (const std::uint64_t banned = number_of(event, "banned_s"); banned != 0)
        text += "; its source is refused for " + duration_text(static_cast<std::int64_t>(banned));
    return printable(text);
}

// What the inspector found; `action` is what became of it.
std::string finding_view(const json& event, const View& view) {
    const std::string action = text_of(event, "action");
    const Ends ends = ends_of_packet(event);
    return fmt::format("{} {} {:<3} {} {} > {}: {}\n", clock_text(text_of(event, "time")),
                       colored(fmt::format("{:<6}", printable(action)),
                               action == "alert" ? Color::yellow : Color::red, view.color),
                       text_of(event, "direction"), ends.protocol, ends.source, ends.destination,
                       finding_text(event));
}

}  // namespace

std::string flow_table(const json& flows, const View& view) {
    std::vector<const json*> sorted;
    for (const json& flow : flows) sorted.push_back(&flow);
    // ISO 8601 times of one zone sort as text.
    std::ranges::stable_sort(sorted, std::greater<>(),
                             [](const json* flow) { return text_of(*flow, "last_seen"); });
    const bool narrow = view.width > 0 && view.width < kWideFlows;
    return (narrow ? narrow_flows(sorted, view) : wide_flows(sorted, view)).text();
}

std::string flows_view(const json& reply, const View& view) {
    const json& flows = part_of(reply, "flows");
    if (flows.empty()) return "no flows\n";
    const std::uint64_t used = number_of(reply, "slots_used");
    const std::string count = flag_of(reply, "truncated")
                                  ? fmt::format("{} of {} flows; --limit 0 shows all", flows.size(), used)
                                  : fmt::format("{} flow{}", flows.size(), flows.size() == 1 ? "" : "s");
    return flow_table(flows, view) + "\n" + count + "\n";
}

std::string event_view(const json& event, const View& view) {
    const std::string kind = text_of(event, "kind");
    if (event.contains("signature")) return finding_view(event, view);
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

}  // namespace dishwall
