// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>

#include <algorithm>

#include "rules/names.h"

namespace dishwall::import {
namespace {

std::string braced(const std::vector<std::string>& words) {
    return words.size() == 1 ? words[0] : fmt::format("{{ {} }}", fmt::join(words, ", "));
}

std::string ports_text(const Ports& ports) {
    std::vector<std::string> words;
    for (const PortRange& range : ports.ranges())
        words.push_back(range.first == range.last ? std::to_string(range.first)
                                                  : fmt::format("{}-{}", range.first, range.last));
    return braced(words);
}

std::string type_text(unsigned type) {
    for (const std::string_view name : icmpv6_type_names())
        if (icmpv6_type(name) == type) return std::string(name);
    return std::to_string(type);
}

std::string types_text(const std::bitset<256>& types) {
    std::vector<std::string> words;
    for (unsigned type = 0; type < 256; ++type)
        if (types.test(type)) words.push_back(type_text(type));
    return braced(words);
}

std::string one_protocol(unsigned protocol, const Condition& condition) {
    const Ports& ports = condition.destination_ports;
    const std::string values = ports.all() ? "" : " " + ports_text(ports);
    switch (protocol) {
        case IPPROTO_TCP:
            return "tcp" + values;
        case IPPROTO_UDP:
            return "udp" + values;
        case IPPROTO_SCTP:
            return "sctp" + values;
        case IPPROTO_ICMPV6:
            return condition.icmp_types.all() ? "icmpv6" : "icmpv6 " + types_text(condition.icmp_types);
        default:
            return fmt::format("proto {}", protocol);
    }
}

std::vector<std::string> prefix_words(const std::vector<Ipv6Prefix>& prefixes, const char* before) {
    std::vector<std::string> words;
    for (const Ipv6Prefix& prefix : without_repeats(prefixes))
        words.push_back(before + (prefix.length() == 128 ? to_string(prefix.first()) : to_string(prefix)));
    return words;
}

void add(std::vector<std::string>* to, const std::vector<std::string>& more) {
    to->insert(to->end(), more.begin(), more.end());
}

std::string rate_text(const Rate& rate) {
    const char unit = rate.unit_s == 1 ? 's' : rate.unit_s == 60 ? 'm' : rate.unit_s == 3600 ? 'h' : 'd';
    std::string text = fmt::format(" rate {}/{} burst {}", rate.packets, unit, rate.burst);
    if (rate.per_source) text += fmt::format(" per source/{}", *rate.per_source);
    return text;
}

}  // namespace

Words::Words(const std::vector<std::string>& inside, bool by_zone, const ImportOptions& options) {
    unsigned next = 0;
    for (const std::string& interface : inside) {
        const auto known = std::ranges::find(options.networks, interface, &ImportNetwork::interface);
        const std::string_view plain =
            std::string_view(interface).substr(interface.starts_with("br-") ? 3 : 0);
        InsideNetwork network{by_zone ? "" : interface_word(interface), names_.make(plain, "net")};
        network.guessed = known == options.networks.end();
        network.subnet = network.guessed ? next++ : known->subnet;
        networks_.push_back(std::move(network));
        interfaces_.push_back(interface);
    }
}

// ---- MATCH

std::string Words::match(const Condition& condition) {
    if (condition.protocols.all()) return "";
    std::vector<std::string> members;
    for (unsigned protocol = 0; protocol < 256; ++protocol)
        if (condition.protocols.test(protocol)) members.push_back(one_protocol(protocol, condition));
    if (members.size() == 1) return members[0];
    const std::string what = fmt::format("{}", fmt::join(members, ", "));
    std::string& name = services_[what];
    if (name.empty()) name = service_names_.make(what, "service");
    return "service " + name;
}

// ---- ADDRESS

std::string Words::network(const std::string& interface) {
    const auto found = std::ranges::find(interfaces_, interface);
    InsideNetwork& network = networks_[static_cast<std::size_t>(found - interfaces_.begin())];
    network.used = true;
    return network.name;
}

std::string Words::host(const End& end) {
    const std::string id = to_string(Ipv6Address{0, *end.suffix});
    needs_a_network_ = needs_a_network_ || !end.behind;
    const std::string where = end.behind ? network(end.behind->front()) : "any";
    std::string& name = hosts_[where + " " + id];
    if (name.empty()) name = names_.make("host-" + id.substr(2), "host");
    return name;
}

std::vector<std::string> Words::excluded(const End& end) {
    std::vector<std::string> words = prefix_words(end.out, "not ");
    for (const std::string& interface : end.not_behind) words.push_back("not " + network(interface));
    return words;
}

std::string Words::ours(Path path, const End& end, bool pin_self) {
    std::vector<std::string> words;
    if (end.in) {
        words = prefix_words(*end.in, "");
        // An address behind one interface is behind none of the others.
        if (end.behind)
            for (const std::string& other : interfaces_)
                if (std::ranges::find(*end.behind, other) == end.behind->end())
                    words.push_back("not " + network(other));
    } else if (end.suffix) {
        words.push_back(host(end));
    } else if (end.behind) {
        for (const std::string& interface : *end.behind) words.push_back(network(interface));
    } else if (is_self(path)) {
        words.emplace_back("self");
    }
    add(&words, excluded(end));
    if (!is_self(path) && pin_self) words.emplace_back("not self");
    return words.empty() ? "" : braced(words);
}

std::string Words::peer(const End& end) const {
    std::vector<std::string> words;
    if (end.in) words = prefix_words(*end.in, "");
    add(&words, prefix_words(end.out, "not "));
    return words.empty() ? "" : braced(words);
}

std::string Words::rest(Path path, const Condition& condition, bool pin_self) {
    std::string from = is_inbound(path) ? peer(condition.from) : ours(path, condition.from, pin_self);
    const std::string to = is_inbound(path) ? ours(path, condition.to, pin_self) : peer(condition.to);
    if (!condition.source_ports.all())
        from = (from.empty() ? "any" : from) + " port " + ports_text(condition.source_ports);
    std::string text;
    if (!from.empty()) text += " from " + from;
    if (!to.empty()) text += " to " + to;
    if (condition.rate) text += rate_text(*condition.rate);
    return text;
}

std::string Words::definitions() const {
    std::string text;
    for (const auto& [what, name] : hosts_) text += fmt::format("host {} = {}\n", name, what);
    for (const auto& [what, name] : services_) text += fmt::format("service {} = {}\n", name, what);
    return text;
}

}  // namespace dishwall::import
