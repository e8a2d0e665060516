// SPDX-License-Identifier: BSD-3-Clause
//
// What a rule file comes to: the fields of the Policy.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

// ---- values as text, so that a test is one line

std::string text_of(const AddressElement& element) {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) return to_string(*prefix);
    if (std::holds_alternative<Self>(element)) return "self";
    if (const auto* learnt = std::get_if<Learnt>(&element)) return fmt::format("learnt {:#x}", learnt->host);
    const Behind& place = std::get<Behind>(element);
    std::string text = fmt::format("source {}", place.source);
    if (place.subnet) text += fmt::format(" subnet {:#x}", *place.subnet);
    if (place.interface_id) text += fmt::format(" id {:#x}", *place.interface_id);
    return text;
}

std::string text_of(const std::vector<AddressElement>& elements) {
    std::string text;
    for (const AddressElement& element : elements) text += (text.empty() ? "" : ", ") + text_of(element);
    return text;
}

std::string text_of(const AddressSet& set) {
    std::string text = set.any ? "any" : "{" + text_of(set.include) + "}";
    return set.exclude.empty() ? text : text + " but {" + text_of(set.exclude) + "}";
}

std::string text_of(const std::vector<PortRange>& ports) {
    std::string text;
    for (const PortRange& range : ports) text += fmt::format(" {}-{}", range.first, range.last);
    return text;
}

std::string text_of(const std::vector<ProtocolMatch>& matches) {
    std::string text;
    for (const ProtocolMatch& match : matches) {
        text += text.empty() ? "" : " | ";
        text += match.proto ? fmt::format("{}", *match.proto) : "any";
        text += text_of(match.ports);
        for (const std::uint8_t type : match.icmp_types) text += fmt::format(" type {}", type);
    }
    return text;
}

Rule rule_of(std::string_view rule) {
    const Policy policy = policy_of(read_inbound(rule));
    return policy.inbound.rules.empty() ? Rule{} : policy.inbound.rules.front();
}
std::string match_of(std::string_view match) { return text_of(rule_of(fmt::format("drop {}", match)).match); }
std::string address_of(std::string_view address) {
    return text_of(rule_of(fmt::format("drop to {}", address)).to);
}

// ---- the uplink

Uplink uplink_of(std::string_view settings) {
    return policy_of(
               read_policy("rules.conf",
                           fmt::format("version 1\nuplink dish {{\n interface eth0\n{}\n}}\n", settings),
                           few_services()))
        .uplink;
}

TEST(Uplink, HasTheDefaultsOfTheLanguage) {
    const Uplink uplink = uplink_of("prefix pd from dhcpv6-pd");
    EXPECT_EQ(uplink.name, "dish");
    EXPECT_EQ(uplink.interface, "eth0");
    EXPECT_EQ(uplink.grace_s, 300u);
    EXPECT_EQ(uplink.xdp, XdpMode::automatic);
    EXPECT_EQ(uplink.ipv4, DW_IPV4_STATEFUL);
    EXPECT_FALSE(uplink.documentation_prefixes);
    EXPECT_EQ(uplink.flow_table, 131072u);
    EXPECT_FALSE(uplink.routing_headers);
    EXPECT_FALSE(uplink.other_ethertypes);
    EXPECT_FALSE(uplink.udp_without_checksum);
    EXPECT_EQ(uplink.vlan, std::nullopt);
    EXPECT_EQ(uplink.place.line, 2u);
}

TEST(Uplink, TakesEachSetting) {
    const Uplink uplink = uplink_of(
        "prefix pd from dhcpv6-pd\ngrace 5m; xdp generic\nipv4 drop\ndocumentation-prefixes "
        "allow\nflow-table 4096");
    EXPECT_EQ(uplink.grace_s, 300u);
    EXPECT_EQ(uplink.xdp, XdpMode::generic);
    EXPECT_EQ(uplink.ipv4, DW_IPV4_DROP);
    EXPECT_TRUE(uplink.documentation_prefixes);
    EXPECT_EQ(uplink.flow_table, 4096u);
    EXPECT_EQ(uplink_of("prefix pd from ra\nxdp native\nipv4 pass").xdp, XdpMode::native);
    EXPECT_EQ(uplink_of("prefix pd from ra\nipv4 pass").ipv4, DW_IPV4_PASS);
    EXPECT_EQ(uplink_of("prefix pd from ra\ngrace 0s").grace_s, 0u);
    EXPECT_EQ(uplink_of("prefix pd from ra\ngrace 1d").grace_s, 86400u);
}

TEST(Uplink, HasTheIdleTimesOfTheRfcs) {
    const Uplink uplink = uplink_of("prefix pd from dhcpv6-pd");
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_TCP_OPENING], 240u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_TCP_ESTABLISHED], 7440u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_TCP_CLOSING], 240u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_UDP], 300u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_ICMP], 60u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_OTHER], 300u);
}

TEST(Uplink, TakesEachTimeout) {
    const Uplink uplink = uplink_of(
        "prefix pd from ra\ntimeout tcp-opening 5m\ntimeout tcp-established 7d\ntimeout tcp-closing "
        "250s\ntimeout udp 2m; timeout icmp 1s\ntimeout other 1h");
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_TCP_OPENING], 300u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_TCP_ESTABLISHED], 604800u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_TCP_CLOSING], 250u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_UDP], 120u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_ICMP], 1u);
    EXPECT_EQ(uplink.idle_s[DW_TIMEOUT_OTHER], 3600u);
    EXPECT_EQ(uplink_of("prefix pd from ra\ntimeout tcp-established 60s").idle_s[DW_TIMEOUT_TCP_ESTABLISHED],
              60u)
        << "below the RFC is a warning only";
}

TEST(Uplink, OpensEachDoorByItself) {
    EXPECT_TRUE(uplink_of("prefix pd from ra\nrouting-headers allow").routing_headers);
    EXPECT_TRUE(uplink_of("prefix pd from ra\nother-ethertypes allow").other_ethertypes);
    EXPECT_TRUE(uplink_of("prefix pd from ra\nudp-without-checksum allow").udp_without_checksum);
    EXPECT_EQ(uplink_of("prefix pd from ra\nvlan 4094").vlan, 4094);
    const Uplink shut = uplink_of(
        "prefix pd from ra\nrouting-headers drop\nother-ethertypes drop\nudp-without-checksum drop\n"
        "documentation-prefixes drop");
    EXPECT_FALSE(shut.routing_headers || shut.other_ethertypes || shut.udp_without_checksum ||
                 shut.documentation_prefixes);
}

TEST(Uplink, NumbersPrefixesInTheirOrder) {
    const Uplink uplink = uplink_of(
        "prefix a from dhcpv6-pd\nprefix b from ra\nprefix c from addresses on br-lan.5\nprefix d static "
        "2a00:1::/56");
    ASSERT_EQ(uplink.sources.size(), 4u);
    EXPECT_TRUE(std::holds_alternative<FromDhcpv6Pd>(uplink.sources[0].from));
    EXPECT_TRUE(std::holds_alternative<FromRouterAdvertisement>(uplink.sources[1].from));
    EXPECT_EQ(std::get<FromAddresses>(uplink.sources[2].from).interface, "br-lan.5");
    EXPECT_EQ(to_string(std::get<Static>(uplink.sources[3].from).prefix), "2a00:1::/56");
    EXPECT_EQ(uplink.sources[2].name, "c");
    EXPECT_EQ(uplink.sources[2].place.line, 6u);
}

// ---- names

TEST(Names, NetworksAndHostsArePlaces) {
    const Policy policy =
        policy_of(read_after_preamble("host gcp = 2001:db8:7::5\nnetwork dmz = dish.onlink\n"));
    ASSERT_EQ(policy.networks.size(), 2u);
    EXPECT_EQ(policy.networks[0].name, "lan");
    EXPECT_EQ(policy.networks[0].source, 0u);
    EXPECT_EQ(policy.networks[0].subnet, 1u);
    EXPECT_EQ(policy.networks[0].interface, "br-lan");
    EXPECT_EQ(policy.networks[1].source, 1u);
    EXPECT_EQ(policy.networks[1].subnet, 0u);
    ASSERT_EQ(policy.hosts.size(), 2u);
    EXPECT_EQ(policy.hosts[0].name, "nas");
    EXPECT_EQ(text_of(policy.hosts[0].elements), "source 0 subnet 0x1 id 0x10");
    EXPECT_EQ(policy.hosts[0].place.line, 8u);
    EXPECT_EQ(text_of(policy.hosts[1].elements), "2001:db8:7::5/128");
}

TEST(Names, MayBeUsedAboveTheirDefinition) {
    const Policy policy =
        policy_of(read_after_preamble("policy inbound on dish { accept service web to both }\nset both = { "
                                      "nas, later }\nhost later = lan ::20\n"
                                      "service web = tcp 80\n"));
    EXPECT_EQ(text_of(policy.inbound.rules.at(0).to),
              "{source 0 subnet 0x1 id 0x10, source 0 subnet 0x1 id 0x20}");
}

// ---- matches

TEST(Match, SaysProtocolPortsAndTypes) {
    EXPECT_EQ(match_of(""), "any");
    EXPECT_EQ(match_of("tcp"), "6");
    EXPECT_EQ(match_of("tcp 443"), "6 443-443");
    EXPECT_EQ(match_of("udp { 80, 443, 8000-8100, }"), "17 80-80 443-443 8000-8100");
    EXPECT_EQ(match_of("sctp 0-65535"), "132 0-65535");
    EXPECT_EQ(match_of("tcp { ssh,\n # both\n https }"), "6 22-22 443-443");
    EXPECT_EQ(match_of("sctp discard"), "132 9-9");
    EXPECT_EQ(match_of("icmpv6"), "58");
    EXPECT_EQ(match_of("icmpv6 echo-request"), "58 type 128");
    EXPECT_EQ(match_of("icmpv6 { packet-too-big, 145 }"), "58 type 2 type 145");
    EXPECT_EQ(match_of("proto 47"), "47");
    EXPECT_EQ(match_of("proto 0x2f"), "47");
}

TEST(Match, OfAServiceIsEachOfItsMembers) {
    const Policy policy = policy_of(
        read_after_preamble("service web = tcp { 80, https }, udp 443, icmpv6 echo-request, proto 50\n"
                            "policy inbound on dish { accept service web to nas }\n"));
    EXPECT_EQ(text_of(policy.inbound.rules.at(0).match), "6 80-80 443-443 | 17 443-443 | 58 type 128 | 50");
}

TEST(Match, OfTheSenderStandsBehindFrom) {
    EXPECT_EQ(text_of(rule_of("drop udp from any port 53").from_ports), " 53-53");
    EXPECT_EQ(text_of(rule_of("drop udp 5000 from nas port { domain, 1000-2000 }").from_ports),
              " 53-53 1000-2000");
    EXPECT_EQ(text_of(rule_of("drop from any port domain").from_ports), " 53-53");
}

// ---- addresses

TEST(Address, HasAFormForEachKind) {
    EXPECT_EQ(address_of("any"), "any");
    EXPECT_EQ(address_of("self"), "{self}");
    EXPECT_EQ(address_of("nas"), "{source 0 subnet 0x1 id 0x10}");
    EXPECT_EQ(address_of("lan"), "{source 0 subnet 0x1}");
    EXPECT_EQ(address_of("dish.pd"), "{source 0}");
    EXPECT_EQ(address_of("dish.onlink"), "{source 1}");
    EXPECT_EQ(address_of("2001:db8::1"), "{2001:db8::1/128}");
    EXPECT_EQ(address_of("2001:DB8:0::/32"), "{2001:db8::/32}");
    EXPECT_EQ(address_of("::/0"), "any");
    EXPECT_EQ(address_of("{ self, nas,\n 2001:db8::1 }"),
              "{self, source 0 subnet 0x1 id 0x10, 2001:db8::1/128}");
}

TEST(Address, NotExcludes) {
    EXPECT_EQ(address_of("not self"), "any but {self}");
    EXPECT_EQ(address_of("{ lan, not nas }"), "{source 0 subnet 0x1} but {source 0 subnet 0x1 id 0x10}");
    EXPECT_EQ(address_of("{ not nas }"), "any but {source 0 subnet 0x1 id 0x10}");
    EXPECT_EQ(address_of("not { nas, self }"), "any but {source 0 subnet 0x1 id 0x10, self}");
    EXPECT_EQ(address_of("not { not nas }"), "{source 0 subnet 0x1 id 0x10}");
    EXPECT_EQ(address_of("{ any, not nas }"), "any but {source 0 subnet 0x1 id 0x10}");
}

TEST(Address, SetsInSetsKeepTheirMeaning) {
    const Policy policy = policy_of(read_after_preamble(
        "network dmz = dish.pd subnet 2\nset few = { 2001:db8::1, nas }\nset more = { few, self }\n"
        "set most = { lan, not nas }\n"
        "policy inbound on dish {\n accept from more\n accept tcp from { most, dmz }\n accept from not "
        "more\n}\n"));
    ASSERT_EQ(policy.inbound.rules.size(), 3u);
    EXPECT_EQ(text_of(policy.inbound.rules[0].from), "{2001:db8::1/128, source 0 subnet 0x1 id 0x10, self}");
    EXPECT_EQ(text_of(policy.inbound.rules[1].from),
              "{source 0 subnet 0x1, source 0 subnet 0x2} but {source 0 subnet 0x1 id 0x10}");
    EXPECT_EQ(text_of(policy.inbound.rules[2].from),
              "any but {2001:db8::1/128, source 0 subnet 0x1 id 0x10, self}");
}

// ---- policies and rules

TEST(Chain, DefaultsToDropInboundAndAcceptOutbound) {
    const Policy none = policy_of(read_after_preamble(""));
    EXPECT_EQ(none.inbound.default_verdict, DW_DROP);
    EXPECT_EQ(none.inbound.place.line, 0u);
    EXPECT_EQ(none.outbound.default_verdict, DW_ACCEPT);
    const Policy silent =
        policy_of(read_after_preamble("policy inbound on dish { }\npolicy outbound on dish { }\n"));
    EXPECT_EQ(silent.inbound.default_verdict, DW_DROP);
    EXPECT_EQ(silent.inbound.place.line, 9u);
    EXPECT_EQ(silent.outbound.default_verdict, DW_ACCEPT);
    const Policy said = policy_of(read_after_preamble(
        "policy inbound on dish { default reject }\npolicy outbound on dish { default drop }\n"));
    EXPECT_EQ(said.inbound.default_verdict, DW_REJECT);
    EXPECT_EQ(said.outbound.default_verdict, DW_DROP);
}

TEST(Rule, KeepsVerdictLogNameAndPlace) {
    const Rule rule = rule_of("  reject tcp 113 log name \"my ident\"");
    EXPECT_EQ(rule.verdict, DW_REJECT);
    EXPECT_TRUE(rule.log);
    EXPECT_EQ(rule.name, "my ident");
    EXPECT_TRUE(rule.named);
    EXPECT_EQ(rule.place.line, 10u);
    EXPECT_EQ(rule.place.column, 3u);
    EXPECT_EQ(rule.place.file, "rules.conf");
    EXPECT_EQ(rule_of("audit").verdict, DW_AUDIT);
    EXPECT_EQ(rule_of("accept").verdict, DW_ACCEPT);
    EXPECT_EQ(rule_of("drop").verdict, DW_DROP);
}

TEST(Rule, MayRejectLate) {
    EXPECT_EQ(rule_of("reject-late tcp to nas").verdict, DW_REJECT_LATE);
    EXPECT_EQ(policy_of(read_inbound("default reject-late")).inbound.default_verdict, DW_REJECT_LATE);
}

TEST(Rule, MayBeEndpointIndependentOutbound) {
    const Policy policy = policy_of(read_after_preamble(
        "policy outbound on dish {\n accept udp 3074 from nas endpoint-independent log name game\n"
        " accept from nas endpoint-independent\n accept proto 6 from any port 80 endpoint-independent\n "
        "accept\n}\n"));
    ASSERT_EQ(policy.outbound.rules.size(), 4u);
    EXPECT_TRUE(policy.outbound.rules[0].endpoint_independent);
    EXPECT_TRUE(policy.outbound.rules[0].log);
    EXPECT_EQ(policy.outbound.rules[0].name, "game");
    EXPECT_TRUE(policy.outbound.rules[1].endpoint_independent);
    EXPECT_TRUE(policy.outbound.rules[2].endpoint_independent);
    EXPECT_FALSE(policy.outbound.rules[3].endpoint_independent);
}

TEST(Rule, WithoutANameIsCalledByItsPlace) {
    const Compiled compiled = read_policy("/etc/dishwall/site.conf",
                                          "version 1\nuplink dish { interface eth0; prefix pd from ra }\n"
                                          "policy inbound on dish {\n  drop tcp 1; drop tcp 2; drop tcp 3 "
                                          "name x; drop tcp 4\n  drop tcp 5\n}\n",
                                          few_services());
    const Policy policy = policy_of(compiled);
    ASSERT_EQ(policy.inbound.rules.size(), 5u);
    EXPECT_EQ(policy.inbound.rules[0].name, "site.conf:4");
    EXPECT_FALSE(policy.inbound.rules[0].named);
    EXPECT_EQ(policy.inbound.rules[1].name, "site.conf:4:15");
    EXPECT_EQ(policy.inbound.rules[2].name, "x");
    EXPECT_EQ(policy.inbound.rules[3].name, "site.conf:4:46");
    EXPECT_EQ(policy.inbound.rules[4].name, "site.conf:5");
    EXPECT_EQ(policy.inbound.rules[0].place.file, "/etc/dishwall/site.conf");
}

TEST(Text, LinesMayBeContinuedAndEndInAnyWay) {
    EXPECT_EQ(text_of(rule_of("drop \\\n  tcp \\  \n 22").match), "6 22-22");
    const Compiled compiled = read_policy(
        "dos.conf",
        "\xef\xbb\xbfversion 1\r\nuplink dish {\r\n interface \"eth0\"\r\n prefix pd from ra\r\n}",
        few_services());
    EXPECT_EQ(policy_of(compiled).uplink.interface, "eth0");
}

TEST(Text, WarningsDoNotStopALoad) {
    const Compiled compiled = read_inbound("accept tcp 25 to nas");
    EXPECT_TRUE(compiled.policy.has_value());
    EXPECT_EQ(compiled.diagnostics.size(), 1u);
}

}  // namespace
}  // namespace dishwall::test
