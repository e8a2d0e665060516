// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/line_views.h"

#include <fmt/format.h>

#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Kind = Table::Kind;

std::string seconds_text(const json& object, const char* name) {
    const json& part = part_of(object, name);
    return part.is_number() ? duration_text(part.get<std::int64_t>()) : "";
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string joined(const json& texts) {
    std::string all;
    for (const json& text : texts) all += (all.empty() ? "" : " ") + text.get<std::string>();
    return all;
}

// ---- the line

std::string ipv4_text(const json& ipv4) {
    const std::string address = text_of(ipv4, "address"), text = text_of(ipv4, "text");
    return printable(address.empty() ? text : address + ": " + text);
}

std::string delegation_text(const json& one) {
    const std::string valid = seconds_text(one, "valid_in"), preferred = seconds_text(one, "preferred_in");
    std::string text = text_of(one, "prefix");
    if (!valid.empty()) text += ", valid for another " + valid;
    if (!preferred.empty()) text += ", preferred for " + preferred;
    return printable(text);
}

// Of an IPv4 address alone: what a person has to know first when nothing works.
Color color_of_ipv4(const std::string& state) {
    if (state == "cgnat" || state == "public") return Color::green;
    return state == "dish-not-connected" || state == "vendor-router" ? Color::red : Color::yellow;
}

// ---- hosts

const char* color_of_address(const std::string& state) {
    if (state == "confirmed" || state == "current") return "green";
    return state == "stale" ? "red" : "yellow";
}

// What the rule file says of it.
std::string definition_of(const json& host) {
    if (text_of(host, "kind") == "domain") return "name " + printable(text_of(host, "domain"));
    return printable(fmt::format("{} mac {}", text_of(host, "network"), text_of(host, "mac")));
}

// One line an address; the host's own columns only in the first.
void add_device(const json& host, const View& view, Table* table) {
    std::string name = printable(text_of(host, "name")), definition = definition_of(host);
    const json& addresses = part_of(host, "addresses");
    if (addresses.empty()) table->add({name, definition, "-", Table::Cell("unknown", "yellow"), ""});
    for (const json& address : addresses) {
        const std::string state = text_of(address, "state");
        const json& since = part_of(address, "since");
        table->add({name, definition, text_of(address, "address"),
                    Table::Cell(state, color_of_address(state)),
                    since.is_number() ? "for " + duration_text(view.now - since.get<std::int64_t>()) : ""});
        name.clear();
        definition.clear();
    }
}

std::string note_on_domain(const json& host, const View& view) {
    if (const std::string error = text_of(host, "error"); !error.empty()) return printable(error);
    if (const std::string expires = seconds_text(host, "expires_in"); !expires.empty())
        return "asked again in " + expires;
    const json& resolved = part_of(host, "resolved_at");
    return resolved.is_number() ? "since " + duration_text(view.now - resolved.get<std::int64_t>()) : "";
}

void add_domain(const json& host, const View& view, Table* table) {
    std::string name = printable(text_of(host, "name")), definition = definition_of(host),
                note = note_on_domain(host, view);
    const json& addresses = part_of(host, "addresses");
    if (addresses.empty()) table->add({name, definition, "-", Table::Cell("unknown", "yellow"), note});
    const std::string state = flag_of(host, "stale") ? "stale" : "current";
    for (const json& address : addresses) {
        table->add({name, definition, address.get<std::string>(), Table::Cell(state, color_of_address(state)),
                    note});
        name.clear();
        definition.clear();
        note.clear();
    }
}

// ---- DNS records

const char* color_of_record(const std::string& state) {
    if (state == "current") return "green";
    return state == "failing" ? "red" : "yellow";
}

std::string note_on_record(const json& record, const View& view) {
    const std::string state = text_of(record, "state");
    if (state == "current") {
        const json& success = part_of(record, "last_success");
        return success.is_number() ? "for " + duration_text(view.now - success.get<std::int64_t>()) : "";
    }
    std::string note = printable(text_of(record, "error"));
    if (const std::string again = seconds_text(record, "retry_in"); !again.empty())
        note += (note.empty() ? "" : "; ") + ("again in " + again);
    return note;
}

}  // namespace

std::string line_fields(const json& line, const View& view) {
    if (!line.is_object()) return {};
    const json &ipv4 = part_of(line, "ipv4"), &ipv6 = part_of(line, "ipv6");
    std::string text = field("line", flag_of(line, "up") ? colored("up", Color::green, view.color)
                                                         : colored("down", Color::red, view.color));
    text += field("IPv4", colored(ipv4_text(ipv4), color_of_ipv4(text_of(ipv4, "state")), view.color));
    text += field("IPv6", colored(printable(text_of(ipv6, "text")),
                                  flag_of(ipv6, "present") ? Color::green : Color::yellow, view.color));
    for (const json& one : part_of(ipv6, "delegations")) text += field("delegated", delegation_text(one));
    const std::string age = seconds_text(ipv6, "ra_age_s");
    text += field("last RA", age.empty() ? "none was seen yet" : age + " ago");
    if (const std::string advice = text_of(line, "advice"); !advice.empty())
        text += field("advice", colored(printable(advice), Color::yellow, view.color));
    return text;
}

std::string hosts_field(const json& summary) {
    const std::uint64_t devices = number_of(summary, "devices"), domains = number_of(summary, "domains");
    if (devices + domains == 0) return {};
    std::string kinds;
    if (devices > 0) kinds = counted(devices, "device", "devices");
    if (domains > 0) kinds += (kinds.empty() ? "" : ", ") + counted(domains, "name", "names");
    const std::uint64_t stale = number_of(summary, "stale");
    return field("hosts", fmt::format("{} with {}{}", kinds,
                                      counted(number_of(summary, "addresses"), "address", "addresses"),
                                      stale > 0 ? fmt::format(", {} of them stale", stale) : ""));
}

std::string hosts_view(const json& reply, const View& view) {
    const json& hosts = part_of(reply, "hosts");
    if (hosts.empty()) return "the rule file has no host that is followed ('mac' or 'name')\n";
    Table table(view, {{"HOST"}, {"IS"}, {"ADDRESS"}, {"STATE"}, {"", Kind::shrinks}});
    for (const json& host : hosts)
        text_of(host, "kind") == "domain" ? add_domain(host, view, &table) : add_device(host, view, &table);
    return table.text();
}

std::string history_view(const json& reply, const View& view) {
    const json& changes = part_of(reply, "changes");
    if (changes.empty()) return "nothing has changed yet\n";
    Table table(view, {{"WHEN"}, {"ENFORCED IN", Kind::right}, {"WHAT", Kind::shrinks}});
    for (const json& change : changes) {
        const json& took = part_of(change, "enforced_in_us");
        table.add({date_text(text_of(change, "time")),
                   took.is_number() ? fmt::format("{} us", took.get<std::uint64_t>()) : "-",
                   printable(text_of(change, "text"))});
    }
    return table.text();
}

std::string dns_table(const json& dns, const View& view) {
    if (dns.empty()) return {};
    Table table(view, {{"RECORD"}, {"HOST"}, {"STATE"}, {"PUBLISHED"}, {"", Kind::shrinks}});
    for (const json& zone : dns)
        for (const json& record : part_of(zone, "records")) {
            const std::string state = text_of(record, "state"),
                              published = joined(part_of(record, "published"));
            table.add({printable(text_of(record, "name")), printable(text_of(record, "host")),
                       Table::Cell(state, color_of_record(state)), published.empty() ? "-" : published,
                       note_on_record(record, view)});
        }
    return "\n" + table.text();
}

}  // namespace dishwall
