// SPDX-License-Identifier: BSD-3-Clause
//
// The resolved policy as text.
#include <fmt/format.h>

#include <string_view>
#include <variant>
#include <vector>

#include "rules/ipv6.h"
#include "tests/rules/stages.h"

namespace dishwall::test {
namespace {

// ---- policy

struct ElementText {
    std::string operator()(const Ipv6Prefix& prefix) const { return to_string(prefix); }
    std::string operator()(const Behind& behind) const {
        std::string text = fmt::format("behind({}", behind.source);
        if (behind.subnet) text += fmt::format(" subnet {:#x}", *behind.subnet);
        if (behind.interface_id) text += fmt::format(" id {:#x}", *behind.interface_id);
        return text + ")";
    }
    std::string operator()(const Self&) const { return "self"; }
    std::string operator()(const Learnt& learnt) const { return fmt::format("learnt({:08x})", learnt.host); }
    std::string operator()(const InFeed& feed) const {
        return fmt::format("feed({}: {} prefixes)", feed.feed, feed.entries->prefixes.size());
    }
};

std::string elements(const AddressElements& list) {
    std::string text;
    for (const AddressElement& each : list)
        text += (text.empty() ? "" : ", ") + std::visit(ElementText{}, each);
    return "{" + text + "}";
}

std::string set(const AddressSet& from) {
    std::string text = from.any ? "any" : elements(from.include);
    return from.exclude.empty() ? text : text + " but not " + elements(from.exclude);
}

std::string ports(const PortRanges& list) {
    std::string text;
    for (const PortRange& each : list)
        text += fmt::format("{}{}-{}", text.empty() ? "" : ",", each.first, each.last);
    return text;
}

std::string match(const ProtocolMatch& from) {
    std::string text = from.proto ? fmt::format("proto {}", *from.proto) : "any protocol";
    if (!from.ports.empty()) text += " ports " + ports(from.ports);
    for (const std::uint8_t type : from.icmp_types) text += fmt::format(" type {}", type);
    return text;
}

std::string traffic(const Traffic& from, std::string_view indent) {
    std::string text;
    for (const ProtocolMatch& each : from.match) text += fmt::format("{}match {}\n", indent, match(each));
    if (!from.from_ports.empty()) text += fmt::format("{}from ports {}\n", indent, ports(from.from_ports));
    text += fmt::format("{}from {}\n{}to {}\n", indent, set(from.from), indent, set(from.to));
    return text;
}

std::string rule(const Rule& from) {
    std::string text = fmt::format("    {} `{}`{}{}{} at {}:{}:{}\n", verdict_text(from.verdict), from.name,
                                   from.named ? "" : " (unnamed)", from.log ? " log" : "",
                                   from.endpoint_independent ? " endpoint-independent" : "", from.place.file.text(),
                                   from.place.line, from.place.column);
    text += traffic(from, "        ");
    if (from.rate)
        text += fmt::format(
            "        rate {} in {} s, burst {}{}\n", from.rate->packets, from.rate->unit_s, from.rate->burst,
            from.rate->per_source ? fmt::format(", per source/{}", *from.rate->per_source) : "");
    if (from.inspect)
        text += fmt::format("        inspect {}, on failure {}\n", from.inspect->signatures,
                            from.inspect->accept_on_failure ? "accept" : "drop");
    return text;
}

std::string chain(std::string_view name, const Chain& from) {
    std::string text =
        fmt::format("{} default {} log 1/{}\n", name, verdict_text(from.default_verdict), from.log_sample);
    for (const Rule& each : from.rules) text += rule(each);
    return text;
}

struct OriginText {
    std::string operator()(const FromDhcpv6Pd& from) const {
        return from.metric ? fmt::format("dhcpv6-pd metric {}", *from.metric) : "dhcpv6-pd";
    }
    std::string operator()(const FromRouterAdvertisement&) const { return "ra"; }
    std::string operator()(const FromAddresses& from) const { return "addresses on " + from.interface; }
    std::string operator()(const Static& from) const { return to_string(from.prefix); }
};

std::string uplink(const Uplink& from) {
    std::string text =
        fmt::format("uplink {} on {}, grace {} s, ipv4 {}, xdp {}, {} flows\n", from.name, from.interface,
                    from.grace_s, static_cast<int>(from.ipv4), static_cast<int>(from.xdp), from.flow_table);
    for (const PrefixSource& each : from.sources)
        text += fmt::format("    prefix {}: {}\n", each.name, std::visit(OriginText{}, each.from));
    text += "    idle";
    for (const std::uint32_t seconds : from.idle_s) text += fmt::format(" {}", seconds);
    text += fmt::format("\n    allowed:{}{}{}{}{}\n", from.routing_headers ? " routing-headers" : "",
                        from.vlan ? fmt::format(" vlan {}", *from.vlan) : "",
                        from.other_ethertypes ? " other-ethertypes" : "",
                        from.udp_without_checksum ? " udp-without-checksum" : "",
                        from.documentation_prefixes ? " documentation-prefixes" : "");
    return text;
}

std::string names(const Policy& policy) {
    std::string text;
    for (const Network& each : policy.networks)
        text += fmt::format("network {}: source {} subnet {:#x} on `{}`\n", each.name, each.source,
                            each.subnet, each.interface);
    for (const NamedAddress& each : policy.hosts)
        text += fmt::format("host {}: {}\n", each.name, elements(each.elements));
    for (const LearntHost& each : policy.learnt)
        text += fmt::format("learnt {}: {:08x}\n", each.name, each.id);
    for (const Feed& each : policy.feeds)
        text += fmt::format("feed {}: {} refresh {} s, stale after {} s, {} prefixes\n", each.name, each.path,
                            each.refresh_s, each.stale_after_s, each.entries->prefixes.size());
    for (const Signatures& each : policy.signatures)
        text += fmt::format("signatures {}: {}, {} patterns\n", each.name, each.path, each.patterns);
    return text;
}

std::string updates(const Policy& policy) {
    std::string text;
    for (const DnsUpdate& each : policy.dns_updates) {
        const auto* server = std::get_if<DnsUpdate::Nsupdate>(&each.by);
        text += fmt::format(
            "dns-update {} by {}\n", each.zone,
            server ? fmt::format("{} port {} key `{}`", server->server, server->port, server->key_file)
                   : std::get<DnsUpdate::Exec>(each.by).program);
        for (const DnsRecord& record : each.records)
            text += fmt::format("    {} host {} ttl {} s\n", record.name, record.host, record.ttl_s);
    }
    return text;
}

std::string claims(const Policy& policy) {
    std::string text;
    for (const Protected& each : policy.protects)
        text += fmt::format("protect `{}`\n{}", each.name, traffic(each.traffic, "    "));
    for (const PolicyTest& each : policy.tests) {
        text += fmt::format("test `{}`\n", each.name);
        for (const Expectation& expected : each.expectations) {
            text += fmt::format("    {} {} by `{}`\n",
                                expected.direction == Direction::inbound ? "inbound" : "outbound",
                                verdict_text(expected.verdict), expected.by);
            for (const Expectation::With& with : expected.with)
                text += fmt::format("        with {} = {}\n", with.source, to_string(with.prefix));
            text += traffic(expected.traffic, "        ");
        }
    }
    return text;
}

}  // namespace

std::string_view verdict_text(std::uint32_t verdict) {
    switch (static_cast<dw_verdict>(verdict)) {
        case DW_ACCEPT:
            return "accept";
        case DW_DROP:
            return "drop";
        case DW_REJECT:
            return "reject";
        case DW_AUDIT:
            return "audit";
        case DW_REJECT_LATE:
            return "reject-late";
        default:
            return "?";
    }
}

std::string dump_policy(const Policy& policy) {
    return uplink(policy.uplink) + names(policy) + updates(policy) + chain("inbound", policy.inbound) +
           chain("outbound", policy.outbound) + claims(policy);
}

}  // namespace dishwall::test
