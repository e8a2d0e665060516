// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspection/inspection_event.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "control/packet_json.h"

namespace dishwall {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestWord = 24;

// A word of lower-case letters and hyphens.
std::optional<std::string> word_of(const Json& report, const char* name) {
    const auto found = report.find(name);
    if (found == report.end() || !found->is_string()) return std::nullopt;
    const auto& text = found->get_ref<const std::string&>();
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
    if (text.empty() || text.size() > kLongestWord || !std::ranges::all_of(text, fits)) return std::nullopt;
    return text;
}

// 0 when it is missing, or is none that fits.
template <typename Number>
Number number_of(const Json& report, const char* name) {
    const auto found = report.find(name);
    if (found == report.end() || !found->is_number_unsigned()) return 0;
    const auto number = found->get<std::uint64_t>();
    return number <= std::numeric_limits<Number>::max() ? static_cast<Number>(number) : Number{0};
}

struct Address {
    int family = AF_INET6;
    std::string text;
};

std::optional<Address> address_of(const Json& report, const char* name) {
    const auto found = report.find(name);
    if (found == report.end() || !found->is_string()) return std::nullopt;
    for (const int family : {AF_INET6, AF_INET}) {
        std::array<unsigned char, sizeof(in6_addr)> bytes{};
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (::inet_pton(family, found->get_ref<const std::string&>().c_str(), bytes.data()) != 1) continue;
        return Address{family, ::inet_ntop(family, bytes.data(), text.data(), text.size())};
    }
    return std::nullopt;
}

Json name_of_set(std::uint16_t id, const Policy& policy) {
    const auto set = std::ranges::find(policy.signatures, id, &Signatures::id);
    return set == policy.signatures.end() ? Json() : Json(set->name);
}

Json name_of_rule(std::uint32_t id, const CounterRegistry& names) {
    const auto rule = names.find(id);
    return rule ? Json(rule->name) : Json();
}

std::string name_or(const Json& name, const char* otherwise) {
    return name.is_string() ? name.get<std::string>() : otherwise;
}

// "[2001:db8::1]:443", "192.0.2.1:443"; "2001:db8::1" for a protocol without ports.
std::string end_text(const Json& event, const char* address, const char* port) {
    const Json& ports = event["l4"].front();
    const auto text = event["IP"][address].get<std::string>();
    if (!ports.contains(port)) return text;
    const bool colons = text.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(colons ? "[{}]:{}" : "{}:{}"), text, ports[port].get<unsigned>());
}

}  // namespace

std::optional<Json> inspection_event(const Json& report, const Policy& policy, const CounterRegistry& names,
                                     const std::string& time) {
    if (!report.is_object()) return std::nullopt;
    const auto kind = word_of(report, "kind"), action = word_of(report, "action");
    const auto source = address_of(report, "source"), destination = address_of(report, "destination");
    if (!kind || !action || !source || !destination || source->family != destination->family)
        return std::nullopt;
    return Json{
        {"kind", *kind},
        {"time", time},
        {"direction", word_of(report, "direction") == "out" ? "out" : "in"},
        {"IP",
         {{"source", source->text},
          {"destination", destination->text},
          {"ipVersion", source->family == AF_INET6 ? "IPv6" : "IPv4"}}},
        {"l4", l4_json(number_of<std::uint8_t>(report, "proto"), number_of<std::uint16_t>(report, "sport"),
                       number_of<std::uint16_t>(report, "dport"))},
        {"signatures", name_of_set(number_of<std::uint16_t>(report, "set"), policy)},
        {"signature", number_of<std::uint32_t>(report, "signature")},
        {"rule", name_of_rule(number_of<std::uint32_t>(report, "rule"), names)},
        {"action", *action},
        {"banned_s", number_of<std::uint32_t>(report, "banned_s")}};
}

std::string event_text(const Json& event) {
    const unsigned banned = event["banned_s"].get<unsigned>();
    return fmt::format("inspection: {} of signature {} of {}, rule {}: {} {} > {}, {}{}",
                       event["kind"].get<std::string>(), event["signature"].get<unsigned>(),
                       name_or(event["signatures"], "an earlier policy"), name_or(event["rule"], "?"),
                       event["direction"].get<std::string>(), end_text(event, "source", "source_port"),
                       end_text(event, "destination", "destination_port"), event["action"].get<std::string>(),
                       banned == 0 ? "" : fmt::format(", source refused for {} s", banned));
}

}  // namespace dishwall
