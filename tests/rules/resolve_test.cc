// SPDX-License-Identifier: BSD-3-Clause
//
// What a rule file comes to: the fields of the Policy.
#include <fmt/format.h>
#include <fmt/ranges.h>
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

std::string text_of(const AddressElements& elements) {
    std::string text;
    for (const AddressElement& element : elements) text += (text.empty() ? "" : ", ") + text_of(element);
    return text;
}

std::string text_of(const AddressSet& set) {
    std::string text = set.any ? "any" : "{" + text_of(set.include) + "}";
    return set.exclude.empty() ? text : text + " but {" + text_of(set.exclude) + "}";
}

std::string text_of(const PortRanges& ports) {
    std::string text;
    for (const PortRange& range : ports) text += fmt::format(" {}-{}", range.first, range.last);
    return text;
}

std::string text_of(const ProtocolMatches& matches) {
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

// ---- hosts that are learnt

std::uint32_t id_of(const Policy& policy, std::string_view name) {
    for (const LearntHost& host : policy.learnt)
        if (host.name == name) return host.id;
    return 0;
}

std::string device_of(const LearntHost& host) {
    const auto& device = std::get<DeviceHost>(host.what);
    return fmt::format("network {} mac {:02x}", device.network, fmt::join(device.mac, ":"));
}

TEST(Learnt, DevicesAreKnownByNetworkAndAddress) {
    const Policy policy = policy_of(read_after_preamble(
        "network dmz = dish.pd subnet 2 on br-dmz\nhost cam = lan mac 02:11:22:33:44:55\n"
        "host tv = dmz mac 02:11:22:AA:bb:Cc\nhost dashed = dmz mac 02-11-22-33-44-56\n"));
    ASSERT_EQ(policy.learnt.size(), 3u);
    EXPECT_EQ(policy.learnt[0].name, "cam");
    EXPECT_EQ(device_of(policy.learnt[0]), "network 0 mac 02:11:22:33:44:55");
    EXPECT_EQ(policy.learnt[0].place.line, 10u);
    EXPECT_EQ(device_of(policy.learnt[1]), "network 1 mac 02:11:22:aa:bb:cc");
    EXPECT_EQ(device_of(policy.learnt[2]), "network 1 mac 02:11:22:33:44:56");
    EXPECT_EQ(policy.networks[1].interface, "br-dmz");
    ASSERT_EQ(policy.hosts.size(), 4u);
    EXPECT_EQ(text_of(policy.hosts[1].elements), fmt::format("learnt {:#x}", policy.learnt[0].id));
}

TEST(Learnt, DomainsAreLowerCaseWithoutAFinalDot) {
    const Policy policy = policy_of(read_after_preamble(
        "host a = name VPN.Example.net.\nhost b = name router\nhost c = name \"xn--mnchen-3ya.example\"\n"
        "policy inbound on dish { accept udp 51820 from { a, b } to self }\n"));
    ASSERT_EQ(policy.learnt.size(), 3u);
    EXPECT_EQ(std::get<DomainHost>(policy.learnt[0].what).domain, "vpn.example.net");
    EXPECT_EQ(std::get<DomainHost>(policy.learnt[1].what).domain, "router");
    EXPECT_EQ(std::get<DomainHost>(policy.learnt[2].what).domain, "xn--mnchen-3ya.example");
    EXPECT_EQ(text_of(policy.inbound.rules.at(0).from),
              fmt::format("{{learnt {:#x}, learnt {:#x}}}", policy.learnt[0].id, policy.learnt[1].id));
}

TEST(Learnt, TheSameDefinitionIsTheSameHost) {
    const Policy policy = policy_of(
        read_after_preamble("host cam = lan mac 02:11:22:33:44:55\nhost eye = lan mac 02-11-22-33-44-55\n"
                            "host a = name vpn.example\nhost b = name VPN.example.\n"));
    ASSERT_EQ(policy.learnt.size(), 2u);
    EXPECT_EQ(policy.learnt[0].name, "cam");
    EXPECT_EQ(policy.learnt[1].name, "a");
    ASSERT_EQ(policy.hosts.size(), 5u);
    EXPECT_EQ(text_of(policy.hosts[1].elements), text_of(policy.hosts[2].elements));
    EXPECT_EQ(text_of(policy.hosts[3].elements), text_of(policy.hosts[4].elements));
}

TEST(Learnt, IdsDependOnTheDefinitionAlone) {
    const std::uint32_t cam =
        id_of(policy_of(read_after_preamble("host cam = lan mac 02:11:22:33:44:55")), "cam");
    EXPECT_EQ(cam, 0x672d3105u) << "what daemons have saved is found by it";
    const Policy moved = policy_of(
        read_after_preamble("\n\nhost tv = lan mac 02:00:00:00:00:01\nnetwork z = dish.pd subnet 9 on br9\n"
                            "host camera = lan mac 02:11:22:33:44:55\nhost cz = z mac 02:11:22:33:44:55\n"
                            "host tokyo = name vpn.example.net"));
    EXPECT_EQ(id_of(moved, "camera"), cam);
    EXPECT_NE(id_of(moved, "cz"), cam) << "another network";
    EXPECT_NE(id_of(moved, "tv"), cam) << "another device";
    EXPECT_EQ(id_of(moved, "tokyo"), 0xf27367bbu);
    for (const LearntHost& host : moved.learnt) EXPECT_NE(host.id, 0u);
}

TEST(Learnt, StandWhereverAHostDoes) {
    const Policy policy = policy_of(read_after_preamble(
        "host cam = lan mac 02:11:22:33:44:55\nset watched = { nas, cam }\n"
        "policy inbound on dish {\n accept tcp 1 to not cam\n accept tcp 2 to { lan, not cam }\n"
        " accept tcp 3 to watched\n accept tcp 4 from cam\n}\n"
        "policy outbound on dish { drop tcp 5 from cam; drop tcp 6 to not watched }\n"));
    const std::string cam = fmt::format("learnt {:#x}", id_of(policy, "cam"));
    const std::string nas = "source 0 subnet 0x1 id 0x10";
    ASSERT_EQ(policy.inbound.rules.size(), 4u);
    EXPECT_EQ(text_of(policy.inbound.rules[0].to), "any but {" + cam + "}");
    EXPECT_EQ(text_of(policy.inbound.rules[1].to), "{source 0 subnet 0x1} but {" + cam + "}");
    EXPECT_EQ(text_of(policy.inbound.rules[2].to), "{" + nas + ", " + cam + "}");
    EXPECT_EQ(text_of(policy.inbound.rules[3].from), "{" + cam + "}");
    EXPECT_EQ(text_of(policy.outbound.rules.at(0).from), "{" + cam + "}");
    EXPECT_EQ(text_of(policy.outbound.rules.at(1).to), "any but {" + nas + ", " + cam + "}");
}

TEST(Names, WordsOfHostFormsMayBeNames) {
    const Policy policy = policy_of(read_after_preamble(
        "network mac = dish.pd subnet 2\nnetwork eui64 = dish.pd subnet 3\nhost metric = mac ::5\n"
        "host server = eui64 ::6\nset record = { metric, server }\nhost exec = mac eui64 "
        "02:00:00:00:00:05\n"));
    ASSERT_EQ(policy.hosts.size(), 4u);
    EXPECT_EQ(text_of(policy.hosts[1].elements), "source 0 subnet 0x2 id 0x5");
    EXPECT_EQ(text_of(policy.hosts[2].elements), "source 0 subnet 0x3 id 0x6");
    EXPECT_EQ(text_of(policy.hosts[3].elements), "source 0 subnet 0x2 id 0xfffe000005");
}

TEST(Names, Eui64IsTheInterfaceIdMadeOfAMacAddress) {
    const Policy policy = policy_of(
        read_after_preamble("host p = lan eui64 00:11:22:33:44:55\nhost q = lan eui64 02:11:22:33:44:55\n"));
    EXPECT_EQ(text_of(policy.hosts[1].elements), "source 0 subnet 0x1 id 0x21122fffe334455");
    EXPECT_EQ(text_of(policy.hosts[2].elements), "source 0 subnet 0x1 id 0x1122fffe334455");
    EXPECT_TRUE(policy.learnt.empty());
}

TEST(Names, AnyIsTheIdInEveryNetworkOfTheFile) {
    const Policy policy = policy_of(read_after_preamble(
        "host printer = any ::25\nnetwork dmz = dish.pd subnet 2\nnetwork again = dish.pd subnet 2\n"
        "policy inbound on dish { accept tcp 631 to printer; accept tcp 1 to not printer }\n"));
    const std::string places = "source 0 subnet 0x1 id 0x25, source 0 subnet 0x2 id 0x25";
    EXPECT_EQ(text_of(policy.hosts.at(1).elements), places);
    EXPECT_EQ(text_of(policy.inbound.rules.at(0).to), "{" + places + "}");
    EXPECT_EQ(text_of(policy.inbound.rules.at(1).to), "any but {" + places + "}");
}

TEST(Uplink, TellsDelegationsApartByTheirMetrics) {
    const Uplink uplink =
        uplink_of("prefix a from dhcpv6-pd metric 100\nprefix b from dhcpv6-pd metric 0x200");
    ASSERT_EQ(uplink.sources.size(), 2u);
    EXPECT_EQ(std::get<FromDhcpv6Pd>(uplink.sources[0].from).metric, 100u);
    EXPECT_EQ(std::get<FromDhcpv6Pd>(uplink.sources[1].from).metric, 512u);
    EXPECT_EQ(std::get<FromDhcpv6Pd>(uplink_of("prefix a from dhcpv6-pd").sources[0].from).metric,
              std::nullopt);
}

// ---- records that follow the prefix

DnsUpdate update_of(std::string_view block) {
    const Policy policy =
        policy_of(read_after_preamble("host cam = lan mac 02:11:22:33:44:55\n" + std::string(block) + "\n"));
    EXPECT_EQ(policy.dns_updates.size(), 1u);
    if (policy.dns_updates.empty()) return {"", DnsUpdate::Exec{}, {}, {}};
    return policy.dns_updates.front();
}

std::string text_of(const DnsUpdate& update) {
    std::string text = update.zone;
    if (const auto* exec = std::get_if<DnsUpdate::Exec>(&update.by)) text += " by " + exec->program;
    if (const auto* server = std::get_if<DnsUpdate::Nsupdate>(&update.by))
        text += fmt::format(" at {} port {} key {}", server->server, server->port, server->key_file);
    for (const DnsRecord& record : update.records)
        text += fmt::format("; {} host {} ttl {}", record.name, record.host, record.ttl_s);
    return text;
}

TEST(DnsUpdates, StandOnOneLineOrOnMany) {
    EXPECT_EQ(
        text_of(update_of("dns-update \"home.example\" { server \"2001:db8::53\" key-file \"tsig.key\"  "
                          "record web AAAA nas ttl 60 }")),
        "home.example at 2001:db8::53 port 53 key /etc/dishwall/tsig.key; web.home.example host 0 ttl 60");
    const DnsUpdate update = update_of(
        "dns-update Home.Example. {\n server NS1.example port 5353 ; record @ AAAA cam\n\n"
        " key-file \"/keys/../keys/k\"; record \"*.lab\" AAAA nas record a.b AAAA nas\n"
        " record x.home.example. AAAA nas\n}");
    EXPECT_EQ(
        text_of(update),
        "home.example at ns1.example port 5353 key /keys/k; home.example host 1 ttl 300; "
        "*.lab.home.example host 0 ttl 300; a.b.home.example host 0 ttl 300; x.home.example host 0 ttl 300");
    EXPECT_EQ(update.place.line, 10u);
    EXPECT_EQ(update.records[1].place.line, 13u);
}

TEST(DnsUpdates, MayBeDoneByAProgram) {
    EXPECT_EQ(text_of(update_of("dns-update home.example { record web AAAA nas; exec \"hooks/dns\" }")),
              "home.example by /etc/dishwall/hooks/dns; web.home.example host 0 ttl 300");
}

TEST(DnsUpdates, HaveTheirFilesBesideTheRuleFile) {
    const std::string text =
        "version 1\nuplink dish { interface eth0; prefix pd from dhcpv6-pd }\nnetwork lan = dish.pd\n"
        "host nas = lan ::10\ndns-update z { server ns1 key-file \"../k\" record web AAAA nas }\n";
    const Policy policy = policy_of(read_policy("/srv/rules/site.conf", text, Environment{}));
    EXPECT_EQ(std::get<DnsUpdate::Nsupdate>(policy.dns_updates.at(0).by).key_file, "/srv/k")
        << "and nobody was asked whether it is there";
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

std::string rate_of(std::string_view words) {
    const auto rate = rule_of(fmt::format("accept {}", words)).rate;
    if (!rate) return "none";
    return fmt::format("{} in {}s burst {}{}", rate->packets, rate->unit_s, rate->burst,
                       rate->per_source ? fmt::format(" per /{}", *rate->per_source) : "");
}

TEST(Rule, HasARate) {
    EXPECT_EQ(rate_of("tcp 1"), "none");
    EXPECT_EQ(rate_of("tcp 1 rate 10/s"), "10 in 1s burst 10");
    EXPECT_EQ(rate_of("tcp rate 600/m burst 6 per source/64 log"), "600 in 60s burst 6 per /64");
    EXPECT_EQ(rate_of("to nas rate 1/hour per source burst 3 name x"), "1 in 3600s burst 3 per /128");
    EXPECT_EQ(rate_of("rate 5/day per source/0"), "5 in 86400s burst 5 per /0");
    EXPECT_EQ(rate_of("rate 1000000/second burst 10000"), "1000000 in 1s burst 10000");
    EXPECT_EQ(rate_of("rate 101/s burst 2"), "101 in 1s burst 2");
    EXPECT_EQ(rate_of("rate 1/minute burst 525600"), "1 in 60s burst 525600");
    EXPECT_EQ(policy_of(read_inbound("audit tcp 1 rate 1/s")).inbound.log_sample, 1u);
}

TEST(Rule, MayAskForInspection) {
    Environment environment = few_services();
    environment.read_text = [](const std::string&) { return std::string("1:/a/"); };
    const std::string text =
        "version 1\nuplink dish { interface eth0; prefix pd from ra }\n"
        "signatures s = file \"s\" on-match reject ban 10m both-directions clean-after 256K\n"
        "signatures plain = file \"p\"\n"
        "policy inbound on dish {\n accept tcp 1 inspect s\n accept tcp 2 inspect s on-failure drop\n"
        " accept tcp 3 inspect s on-failure accept log\n}\n";
    const Policy policy = policy_of(read_policy("a.conf", text, environment));
    ASSERT_EQ(policy.inbound.rules.size(), 3u);
    EXPECT_FALSE(policy.inbound.rules[0].inspect->accept_on_failure);
    EXPECT_FALSE(policy.inbound.rules[1].inspect->accept_on_failure);
    EXPECT_TRUE(policy.inbound.rules[2].inspect->accept_on_failure);
    EXPECT_EQ(policy.inbound.rules[1].verdict, DW_ACCEPT);
    EXPECT_TRUE(policy.inbound.rules[2].log);

    ASSERT_EQ(policy.signatures.size(), 2u);
    const Signatures& s = policy.signatures[0];
    EXPECT_EQ(*s.text, "1:/a/");
    EXPECT_EQ(s.on_match, Signatures::OnMatch::reject);
    EXPECT_EQ(s.ban_s, 600u);
    EXPECT_TRUE(s.both_directions);
    EXPECT_EQ(s.clean_after, 256u << 10);
    EXPECT_NE(s.id, policy.signatures[1].id);
    EXPECT_EQ(policy.signatures[1].on_match, Signatures::OnMatch::drop);
    EXPECT_EQ(policy.signatures[1].ban_s, 0u);
    EXPECT_EQ(policy.signatures[1].clean_after, Signatures::kCleanAfter);
}

TEST(Rule, CannotInspectBehindAVlanTag) {
    Environment environment = few_services();
    environment.read_text = [](const std::string&) { return std::string("1:/a/"); };
    const Compiled compiled = read_policy(
        "a.conf",
        "version 1\nuplink dish { interface eth0; prefix pd from ra; vlan 7 }\nsignatures s = file \"s\"\n"
        "policy inbound on dish {\n accept tcp 1 inspect s\n}\n",
        environment);
    EXPECT_FALSE(compiled.policy.has_value());
    ASSERT_EQ(compiled.diagnostics.size(), 1u);
    EXPECT_EQ(to_string(compiled.diagnostics[0].code), "E0501");
}

TEST(Rule, IsRefusedWhenNothingCanInspect) {
    Environment environment = few_services();
    environment.read_text = [](const std::string&) { return std::string("1:/a/"); };
    environment.inspects = false;
    const Compiled compiled =
        read_policy("a.conf",
                    "version 1\nuplink dish { interface eth0; prefix pd from ra }\nsignatures s = file \"s\"\n"
                    "policy inbound on dish {\n accept tcp 1 inspect s\n}\n",
                    environment);
    EXPECT_FALSE(compiled.policy.has_value());
    ASSERT_EQ(compiled.diagnostics.size(), 1u);
    EXPECT_EQ(to_string(compiled.diagnostics[0].code), "E0502");
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

TEST(Text, ColumnsCountCharactersAlsoFarBehind) {
    std::string text = "policy inbound on dish { ";
    while (text.size() < 5000) text += "; ";
    const std::size_t column = text.size() + 1;
    EXPECT_EQ(policy_of(read_after_preamble(text + "accept }")).inbound.rules.at(0).place.column, column);
    const Compiled wide = read_after_preamble("policy inbound on dish { drop tcp 1 name \"" +
                                              std::string("\xc3\xbc\xc3\xbc") + "\"; accept tcp 25 }");
    ASSERT_FALSE(wide.diagnostics.empty());
    EXPECT_EQ(wide.sources.place(wide.diagnostics.back().primary.span).column, 59u);
}

TEST(Text, WarningsDoNotStopALoad) {
    const Compiled compiled = read_inbound("accept tcp 25 to nas");
    EXPECT_TRUE(compiled.policy.has_value());
    EXPECT_EQ(compiled.diagnostics.size(), 1u);
}

}  // namespace
}  // namespace dishwall::test
