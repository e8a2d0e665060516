// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/nft_match.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "control/dishctl/import/nft_words.h"
#include "control/dishctl/import/values.h"

namespace dishwall::import {
namespace {

using nlohmann::json;
using Values = std::vector<json>;

constexpr char kForIpv4[] = "it is for IPv4, which no rule judges";
constexpr char kKnownFlows[] = "built in: packets of known flows pass, and invalid ones do not";

struct Match {
    ForeignRule* rule;
    const json& left;
    const Values& values;
    bool negated = false;  // none of the values

    void unclear(const std::string& why) const { rule->condition.unclear.push_back(why); }
    void never(ImportRemark::Kind kind, const char* why) const { rule->never = {kind, why}; }
    // Of a match that is decided already.
    void holds(bool it_does, ImportRemark::Kind kind, const char* why) const {
        if (it_does == negated) never(kind, why);
    }
    [[nodiscard]] bool has(std::string_view word) const {
        return std::ranges::any_of(values, [&](const json& value) { return value == word; });
    }
};

std::string text_in(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string word_of(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.is_number_integer() ? std::to_string(value.get<std::int64_t>()) : "?";
}

// A number, a name, or {"range": [a, b]} of these -> "a-b".
std::string range_word(const json& value) {
    if (value.is_object() && value.contains("range") && value["range"].size() == 2)
        return word_of(value["range"][0]) + "-" + word_of(value["range"][1]);
    return word_of(value);
}

// ---- what is matched

void by_ports(const Match& match, bool source) {
    std::vector<PortRange> ranges;
    for (const json& value : match.values) {
        const auto range = port_range(range_word(value));
        if (!range) return match.unclear("the port " + nft_words(value));
        ranges.push_back(*range);
    }
    only_ports(&match.rule->condition, source, Ports(std::move(ranges)), match.negated);
}

void by_addresses(const Match& match, bool source) {
    std::vector<std::string> words;
    for (const json& value : match.values) {
        if (value.is_object() && value.contains("prefix"))
            words.push_back(nft_words(value));
        else
            words.push_back(range_word(value));
    }
    only_addresses(&match.rule->condition, source, words, match.negated);
}

void by_protocols(const Match& match) {
    std::bitset<256> protocols;
    for (const json& value : match.values) {
        const auto protocol = protocol_named(word_of(value));
        if (!protocol) return match.unclear("the protocol " + nft_words(value));
        protocols.set(*protocol);
    }
    only_protocols(&match.rule->condition, match.negated ? ~protocols : protocols);
}

void by_icmp_types(const Match& match) {
    std::vector<std::string> words;
    for (const json& value : match.values) words.push_back(word_of(value));
    only_icmp_types(&match.rule->condition, {words.begin(), words.end()}, match.negated);
}

void by_interfaces(const Match& match, bool incoming) {
    InterfaceMatch made{incoming, match.negated, {}};
    for (const json& value : match.values) {
        if (!value.is_string()) return match.unclear("the interface " + nft_words(value));
        made.names.push_back(value.get<std::string>());
    }
    match.rule->interfaces.push_back(std::move(made));
}

void by_state(const Match& match) {
    const bool others = match.has("untracked");
    match.holds(match.has("new"), others ? ImportRemark::Kind::left_out : ImportRemark::Kind::built_in,
                others ? "untracked packets are not told apart" : kKnownFlows);
}

void by_family(const Match& match) {
    match.holds(match.has("ipv6") || match.has("ip6"), ImportRemark::Kind::left_out, kForIpv4);
}

void by_payload(const Match& match) {
    const json& payload = match.left["payload"];
    const std::string protocol = text_in(payload, "protocol"), field = text_in(payload, "field");
    if (protocol == "ip" || protocol == "icmp" || protocol == "arp" || protocol == "igmp")
        return match.never(ImportRemark::Kind::left_out, kForIpv4);
    if (protocol == "ip6" && (field == "saddr" || field == "daddr"))
        return by_addresses(match, field == "saddr");
    // The next header is the protocol but for extension headers, which hardly anybody means; `not` would mean
    // them.
    if (protocol == "ip6" && field == "nexthdr" && !match.negated) return by_protocols(match);
    if (protocol != "th" && protocol != "ip6" && protocol != "ether" && protocol != "vlan") {
        const auto number = protocol_named(protocol);
        if (!number) return match.unclear(nft_words(match.left));
        only_protocols(&match.rule->condition, std::bitset<256>().set(*number));
        if (protocol == "icmpv6" && field == "type") return by_icmp_types(match);
    }
    if (field == "sport" || field == "dport") return by_ports(match, field == "sport");
    match.unclear("dishwall has no word for '" + nft_words(match.left) + "'");
}

void by_meta(const Match& match) {
    const std::string key = text_in(match.left["meta"], "key");
    if (key == "iif" || key == "iifname") return by_interfaces(match, true);
    if (key == "oif" || key == "oifname") return by_interfaces(match, false);
    if (key == "l4proto") return by_protocols(match);
    if (key == "nfproto" || key == "protocol") return by_family(match);
    match.unclear("dishwall has no word for '" + nft_words(match.left) + "'");
}

void by_fib(const Match& match) {
    const json& fib = match.left["fib"];
    const json flags = fib.value("flags", json::array());
    const auto has = [&](const char* flag) { return std::ranges::find(flags, json(flag)) != flags.end(); };
    const std::string result = text_in(fib, "result");
    const bool one = match.values.size() == 1;
    const bool missing = one && (match.values[0] == false || match.values[0] == 0);
    if ((result == "oif" || result == "oifname") && has("saddr") && missing && !match.negated)
        return match.never(ImportRemark::Kind::built_in,
                           "built in: sources that cannot be on their side are dropped");
    if (result == "type" && flags.size() == 1 && match.values.size() == 1 && match.has("local"))
        return match.rule->local.push_back({has("daddr"), match.negated});
    match.unclear("dishwall has no word for '" + nft_words(match.left) + "'");
}

void by_extension_header(const Match& match) {
    const json& header = match.left["exthdr"];
    if (text_in(header, "name") == "rt" && text_in(header, "field") == "type" && match.values.size() == 1 &&
        match.values[0] == 0 && !match.negated)
        return match.never(ImportRemark::Kind::built_in, "built in: routing headers of type 0 are dropped");
    match.unclear("extension headers");
}

// ---- bits

std::optional<unsigned> bits_in(const json& value) {
    if (value.is_number_unsigned()) return value.get<unsigned>();
    if (value.is_string()) return tcp_flag_named(value.get<std::string>());
    const json& parts = value.is_object() && value.contains("|") ? value["|"] : value;
    if (!parts.is_array()) return std::nullopt;
    unsigned all = 0;
    for (const json& part : parts) {
        const auto bits = bits_in(part);
        if (!bits) return std::nullopt;
        all |= *bits;
    }
    return all;
}

bool is_payload(const json& left, std::string_view protocol, std::string_view field) {
    return left.is_object() && left.contains("payload") && text_in(left["payload"], "protocol") == protocol &&
           text_in(left["payload"], "field") == field;
}

void by_flags(const json& mask, const std::string& op, const json& right, ForeignRule* rule) {
    only_protocols(&rule->condition, std::bitset<256>().set(6));
    const auto bits = bits_in(mask), value = bits_in(right);
    OfOpener says = bits && value ? flags_of_opener(*bits, *value) : OfOpener::unknown;
    if (op != "==" && op != "!=") says = OfOpener::unknown;
    if (says == OfOpener::unknown) return rule->condition.unclear.push_back("TCP flags");
    if ((says == OfOpener::always) == (op == "!="))
        rule->never = {ImportRemark::Kind::built_in, "built in: only a SYN opens a TCP flow"};
}

// left & mask op right
void by_bits(const json& left, const std::string& op, const json& right, ForeignRule* rule) {
    const json& of = left["&"][0];
    const json& mask = left["&"][1];
    if (is_payload(of, "tcp", "flags")) return by_flags(mask, op, right, rule);
    const bool source = is_payload(of, "ip6", "saddr");
    if ((source || is_payload(of, "ip6", "daddr")) && mask.is_string() && right.is_string() && op == "==")
        return only_addresses(&rule->condition, source,
                              {right.get<std::string>() + "/" + mask.get<std::string>()}, false);
    rule->condition.unclear.push_back("dishwall has no word for '" + nft_words(left) + "'");
}

// < and the like, of ports only.
json range_of_comparison(const std::string& op, const json& right) {
    if (!right.is_number_unsigned()) return right;
    const auto value = right.get<std::int64_t>();
    const auto range = [](std::int64_t first, std::int64_t last) {
        return json{{"range", json::array({first, last})}};
    };
    if (op == "<") return range(0, value - 1);
    if (op == "<=") return range(0, value);
    return op == ">" ? range(value + 1, 65535) : range(value, 65535);
}

}  // namespace

const NftSet* NftMatches::find(const json& reference) const {
    if (!reference.is_string()) return nullptr;
    const std::string name = reference.get<std::string>();
    if (!name.starts_with('@')) return nullptr;
    const auto found = sets_.find(table_ + " " + name.substr(1));
    return found == sets_.end() || !found->second.fixed ? nullptr : &found->second;
}

std::optional<std::vector<json>> NftMatches::values(const json& right) const {
    const json* list = &right;
    if (right.is_string() && right.get<std::string>().starts_with('@')) {
        const NftSet* set = find(right);
        if (set == nullptr) return std::nullopt;
        list = &set->elements;
    } else if (right.is_object() && right.contains("set")) {
        list = &right["set"];
        if (!list->is_array()) return values(*list);
    }
    if (!list->is_array()) return Values{*list};
    Values all;
    for (const json& one : *list) {
        const json& value =
            one.is_object() && one.contains("elem") && one["elem"].contains("val") ? one["elem"]["val"] : one;
        if (value == "*") return std::nullopt;  // everything that is not listed
        all.push_back(value);
    }
    return all;
}

void NftMatches::apply(const json& match, ForeignRule* rule) const {
    if (!match.is_object() || !match.contains("left") || !match.contains("right"))
        return rule->condition.unclear.push_back("a match without two sides");
    apply(match["left"], text_in(match, "op"), match["right"], rule);
}

void NftMatches::apply(const json& left, const std::string& op, const json& right, ForeignRule* rule) const {
    if (!left.is_object() || left.size() != 1) return rule->condition.unclear.push_back(nft_words(left));
    const std::string& kind = left.begin().key();
    if (kind == "&" && left["&"].is_array() && left["&"].size() == 2) return by_bits(left, op, right, rule);
    if (is_payload(left, "tcp", "flags"))
        return by_flags(op == "in" ? right : json(255), op == "in" ? "==" : op, right, rule);
    const bool compares = op == "<" || op == ">" || op == "<=" || op == ">=";
    const bool has_order = kind == "payload" && text_in(left["payload"], "field").ends_with("port");
    const auto read = values(compares ? range_of_comparison(op, right) : right);
    if (!read || (compares && !has_order) || (!compares && op != "==" && op != "!=" && op != "in"))
        return rule->condition.unclear.push_back(
            fmt::format("{} {}", nft_words(left),
                        read ? "in a way that a rule cannot say"
                             : "in a set that packets or time change, or with a rest"));
    const Match match{rule, left, *read, op == "!="};
    if (kind == "payload") return by_payload(match);
    if (kind == "meta") return by_meta(match);
    if (kind == "fib") return by_fib(match);
    if (kind == "exthdr") return by_extension_header(match);
    if (kind == "ct" && text_in(left["ct"], "key") == "state") return by_state(match);
    match.unclear("dishwall has no word for '" + nft_words(left) + "'");
}

void apply_nft_limit(const json& limit, std::optional<std::uint8_t> per_source, ForeignRule* rule) {
    const bool in_packets = text_in(limit, "rate_unit").empty() || text_in(limit, "rate_unit") == "packets";
    if (limit.value("inv", false) || !in_packets)
        return rule->condition.unclear.push_back(
            in_packets ? "what is above a limit: accept what is below it instead" : "a limit in bytes");
    only_rate(&rule->condition, limit.value("rate", std::uint64_t{0}), text_in(limit, "per"),
              std::max<std::uint64_t>(limit.value("burst", std::uint64_t{5}), 1), per_source);
}

}  // namespace dishwall::import
