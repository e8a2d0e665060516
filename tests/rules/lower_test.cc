// SPDX-License-Identifier: BSD-3-Clause
//
// What a rule file comes to in the image that the packet core reads: the header's fields, services, rules and
// sets. That these mean what the rules mean is shown by image_test.cc, and on packets by the differential
// test (tests/core).
#include "rules/lower.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "rules/evaluate.h"
#include "tests/rules/image_reader.h"
#include "tests/rules/image_view.h"
#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

ImageView image_of(const Policy& policy) { return ImageView(compiled(policy).image); }

ImageView image_with(std::string_view settings) {
    return image_of(policy_of(read_policy(
        "rules.conf",
        "version 1\nuplink dish {\n interface eth0\n prefix pd from ra\n" + std::string(settings) + "\n}\n",
        few_services())));
}

ImageView image_of_outbound(std::string_view rules) {
    return image_of(
        policy_of(read_after_preamble("policy outbound on dish {\n" + std::string(rules) + "\n}\n")));
}

TEST(Lower, WritesTheIdleTimesOfTheUplink) {
    const dw_image usual = image_with("").header();
    EXPECT_EQ(usual.timeout_s[DW_TIMEOUT_TCP_OPENING], 240u);
    EXPECT_EQ(usual.timeout_s[DW_TIMEOUT_TCP_ESTABLISHED], 7440u);
    EXPECT_EQ(usual.timeout_s[DW_TIMEOUT_TCP_CLOSING], 240u);
    EXPECT_EQ(usual.timeout_s[DW_TIMEOUT_UDP], 300u);
    EXPECT_EQ(usual.timeout_s[DW_TIMEOUT_ICMP], 60u);
    EXPECT_EQ(usual.timeout_s[DW_TIMEOUT_OTHER], 300u);
    EXPECT_EQ(usual.timeout_s[DW_TIMEOUT_FRAGMENT], 60u) << "no rule file can change it";
    const dw_image other = image_with("timeout udp 10m\ntimeout other 4m").header();
    EXPECT_EQ(other.timeout_s[DW_TIMEOUT_UDP], 600u);
    EXPECT_EQ(other.timeout_s[DW_TIMEOUT_OTHER], 240u);
    EXPECT_EQ(other.timeout_s[DW_TIMEOUT_TCP_ESTABLISHED], 7440u);
}

TEST(Lower, WritesEachOptionAsItsBit) {
    EXPECT_EQ(image_with("").header().options, 0u);
    EXPECT_EQ(image_with("routing-headers allow").header().options, unsigned{DW_OPTION_ROUTING_HEADERS});
    EXPECT_EQ(image_with("other-ethertypes allow").header().options, unsigned{DW_OPTION_ETHERTYPES});
    EXPECT_EQ(image_with("udp-without-checksum allow").header().options, unsigned{DW_OPTION_UDP_NO_CHECKSUM});
}

TEST(Lower, WritesTheVlanOrThatThereIsNone) {
    EXPECT_EQ(image_with("").header().vlan, DW_NO_VLAN);
    EXPECT_EQ(image_with("vlan 7").header().vlan, 7);
}

TEST(Lower, WholeLinesAndNothingOfTheDaemons) {
    const CompiledImage image = compiled(policy_of(read_inbound("accept tcp 22 to nas")));
    const dw_image header = ImageView(image.image).header();
    EXPECT_EQ(header.magic, unsigned{DW_MAGIC});
    EXPECT_EQ(header.layout, unsigned{DW_LAYOUT_VERSION});
    EXPECT_EQ(image.image.size(), std::size_t{header.lines} * DW_LINE);
    EXPECT_EQ(image.facts.bytes, image.image.size());
    EXPECT_EQ(header.generation, 0u);
    EXPECT_EQ(header.bank, 0u);
}

// ---- services: one port of one host

// In the order of their rules.
std::vector<dw_service> services_of(const ImageView& image, const dw_chain& chain) {
    auto services = image.services(chain);
    std::sort(services.begin(), services.end(), [](const dw_service& a, const dw_service& b) {
        return std::tie(a.index, a.name) < std::tie(b.index, b.name);
    });
    return services;
}

TEST(Lower, OnePortOfOneHostIsAService) {
    const ImageView image = image_of(policy_of(read_inbound("accept tcp 22 to nas log\ndrop udp 53 to nas")));
    const dw_chain chain = image.header().inbound;
    EXPECT_EQ(chain.rules.count, 0u);
    const auto services = services_of(image, chain);
    ASSERT_EQ(services.size(), 2u);
    EXPECT_EQ(services[0].lo, 0x10u);
    EXPECT_EQ(services[0].name & DW_SERVICE_KEY, dw_service_key(1, IPPROTO_TCP, 22));
    EXPECT_TRUE(services[0].name & DW_SERVICE_LOG);
    EXPECT_EQ(services[0].name >> DW_SERVICE_VERDICT_SHIFT, DW_ACCEPT);
    EXPECT_EQ(services[0].peer_set, DW_NO_SET);
    EXPECT_EQ(services[0].counter, unsigned{DW_REASONS_MAX});
    EXPECT_EQ(services[1].name & DW_SERVICE_KEY, dw_service_key(1, IPPROTO_UDP, 53));
    EXPECT_EQ(services[1].name >> DW_SERVICE_VERDICT_SHIFT, DW_DROP);
    EXPECT_EQ(services[1].index, 1u);
}

TEST(Lower, EachPortAndEachHostOfAListIsAService) {
    const ImageView image = image_of(policy_of(
        read_after_preamble(std::string(kMoreNames) + "policy inbound on dish {\naccept tcp { 80, 443 } to { "
                                                      "nas, cam }\n}\n")));
    EXPECT_EQ(image.services(image.header().inbound).size(), 4u);
    EXPECT_EQ(image.header().inbound.rules.count, 0u);
}

struct NoService {
    const char* rule;
    const char* why;
};
constexpr NoService kNoServices[] = {
    {"accept tcp 22 to any", "any host"},
    {"accept tcp 22 to lan", "a network"},
    {"accept tcp 22 to self", "this box, whose addresses are not known here"},
    {"accept tcp 22 to not nas", "an exclusion"},
    {"accept tcp to nas", "any port"},
    {"accept tcp 22-23 to nas", "a range of ports"},
    {"accept to nas", "any protocol"},
    {"accept tcp 22 from any port 1024-65535 to nas", "the sender's port"},
    {"accept tcp 22 to nas rate 10/s", "a rate"},
};

TEST(Lower, OtherLinesAreRules) {
    for (const NoService& other : kNoServices) {
        const ImageView image = image_of(policy_of(read_inbound(other.rule)));
        EXPECT_EQ(image.header().inbound.services.count, 0u) << other.why;
        EXPECT_EQ(image.header().inbound.rules.count, 1u) << other.why;
        EXPECT_EQ(image.header().inbound.tuples.count, 0u) << "few are walked";
    }
}

TEST(Lower, RulesWithOneKeyStandInAList) {
    const CompiledImage compiled_image = compiled(policy_of(read_inbound(
        "accept tcp 22 from 2600::/32 to nas\ndrop tcp 23 to any\naudit tcp 22 to nas\naccept tcp 22 "
        "to nas")));
    const ImageView image(compiled_image.image);
    const dw_chain chain = image.header().inbound;
    const auto services = image.services(chain);
    ASSERT_EQ(services.size(), 1u);
    EXPECT_TRUE(services[0].name & DW_SERVICE_LIST);
    EXPECT_EQ(services[0].index, 0u);
    EXPECT_EQ(chain.rules.count, 1u) << "only the one to any is walked";
    EXPECT_EQ(image.numbers(chain, services[0].peer_set), (std::vector<std::uint32_t>{1, 2, 3}));
    for (const std::uint32_t number : {1u, 2u, 3u}) {
        const auto rule = image.at<dw_rule>(chain.rules.line, number);
        EXPECT_EQ(rule.index, number == 1 ? 0 : number);
        EXPECT_TRUE(rule.flags & DW_RULE_EXACT);
        EXPECT_EQ(rule.place_lo, 0x10u);
    }
    EXPECT_EQ(compiled_image.facts.inbound.longest_list, 3u);
}

// The front end refuses such files, so the policy is made by hand.
TEST(Lower, WhatCanNeverWinIsLeftOut) {
    Policy policy = policy_of(read_inbound("accept tcp 22 to nas"));
    policy.inbound.rules.push_back(policy.inbound.rules[0]);
    policy.inbound.rules.push_back(policy.inbound.rules[0]);
    const ImageView image = image_of(policy);
    const auto services = image.services(image.header().inbound);
    ASSERT_EQ(services.size(), 1u);
    EXPECT_FALSE(services[0].name & DW_SERVICE_LIST);
    EXPECT_EQ(services[0].index, 0u);
}

TEST(Lower, ARuleThatSaysAPortTwiceIsOneService) {
    Policy policy = policy_of(read_inbound("audit tcp 22 to nas"));
    Rule& rule = policy.inbound.rules[0];
    rule.match.push_back(rule.match[0]);
    rule.to.include.push_back(rule.to.include[0]);
    const ImageView image = image_of(policy);
    const auto services = image.services(image.header().inbound);
    ASSERT_EQ(services.size(), 1u);
    EXPECT_FALSE(services[0].name & DW_SERVICE_LIST);
}

// ---- rules

TEST(Lower, OnePlaceAndOnePrefixStandInTheRule) {
    const ImageView image = image_of(
        policy_of(read_inbound("accept tcp 1-2 from 2600::/32 to nas\naccept tcp 1-2 to lan\naccept tcp "
                               "3-4 from { 2600::/32, 2700::/32 } to self")));
    const auto rules = image.list<dw_rule>(image.header().inbound.rules);
    ASSERT_EQ(rules.size(), 3u);
    EXPECT_EQ(rules[0].flags, DW_RULE_EXACT);
    EXPECT_EQ(rules[0].place_hi, 1u);
    EXPECT_EQ(rules[0].place_lo, 0x10u);
    EXPECT_EQ(rules[0].peer.hi, 0x2600000000000000u);
    EXPECT_EQ(rules[0].peer_length, 32);
    EXPECT_EQ(rules[0].our_set, DW_NO_SET);
    EXPECT_EQ(rules[0].peer_set, DW_NO_SET);
    EXPECT_EQ(rules[1].flags, DW_RULE_SUBNET);
    EXPECT_EQ(rules[1].place_hi, 1u);
    EXPECT_EQ(rules[1].peer_length, 0);
    EXPECT_EQ(rules[2].flags, 0);
    EXPECT_NE(rules[2].our_set, DW_NO_SET);
    EXPECT_NE(rules[2].peer_set, DW_NO_SET);
    EXPECT_EQ(image.wide_tree(image.list<dw_set>(image.header().sets)[rules[2].peer_set].wide).size(), 2u);
}

TEST(Lower, EqualSetsAreOne) {
    std::string rules;
    for (int i = 0; i < 100; ++i)
        rules += fmt::format("accept tcp {} from {{ 2600::/32, {} }} to lan\n", i + 1,
                             i % 2 ? "2700::/32" : "2700::/32, 2700:0:1::/48");
    const CompiledImage image = compiled(policy_of(read_inbound(rules)));
    EXPECT_EQ(image.facts.sets, 1u) << "what lies within another prefix says nothing new";
    EXPECT_EQ(image.facts.prefixes, 2u);
}

TEST(Lower, MarksEndpointIndependentLinesAndTheImage) {
    const ImageView without = image_of_outbound("accept udp 3074 log");
    EXPECT_EQ(without.header().options, 0u);
    const ImageView with = image_of_outbound(
        "drop tcp 25\naccept udp { 3074, 88 } from nas endpoint-independent\naccept tcp endpoint-independent "
        "log");
    EXPECT_EQ(with.header().options, unsigned{DW_OPTION_INDEPENDENT});
    const auto rules = with.list<dw_rule>(with.header().outbound.rules);
    ASSERT_EQ(rules.size(), 2u);
    EXPECT_EQ(rules[0].flags, 0);
    EXPECT_EQ(rules[1].flags, DW_RULE_INDEPENDENT | DW_RULE_LOG);
    const auto services = with.services(with.header().outbound);
    ASSERT_EQ(services.size(), 2u);
    for (const dw_service& service : services) {
        EXPECT_TRUE(service.name & DW_SERVICE_INDEPENDENT);
        EXPECT_FALSE(service.name & DW_SERVICE_LOG);
    }
}

TEST(Lower, KeepsRejectLateInRulesAndAsTheDefault) {
    const ImageView image =
        image_of(policy_of(read_inbound("default reject-late\nreject-late tcp 22 to lan")));
    EXPECT_EQ(image.header().inbound.default_verdict, unsigned{DW_REJECT_LATE});
    const auto rules = image.list<dw_rule>(image.header().inbound.rules);
    ASSERT_EQ(rules.size(), 1u);
    EXPECT_EQ(rules[0].verdict, DW_REJECT_LATE);
}

// ---- the areas in which some address is forbidden

bool is_searched(const dw_image& header, const char* address) {
    const std::uint32_t area = dw_bogon_area(parse_ipv6(address)->hi);
    return (header.bogon_areas[area / 64] >> area % 64 & 1) != 0;
}

TEST(Lower, BogonAreasAreThoseOfTheBogonTable) {
    for (const char* settings : {"", "documentation-prefixes allow"}) {
        const ImageView image = image_with(settings);
        const dw_image header = image.header();
        std::set<std::uint32_t> expected;
        for (const auto& tree : {image.wide_tree(header.bogons_wide), image.full_tree(header.bogons_full)})
            for (const Ipv6Prefix& prefix : tree)
                for (std::uint64_t at = prefix.first().hi >> 40; at <= prefix.last().hi >> 40; ++at)
                    expected.insert(dw_bogon_area(at << 40));
        for (std::uint32_t area = 0; area < DW_BOGON_AREAS; ++area)
            EXPECT_EQ(header.bogon_areas[area / 64] >> area % 64 & 1, expected.count(area))
                << settings << " area " << area;
    }
}

TEST(Lower, BogonAreasLeaveMostOfTheInternetUnsearched) {
    const dw_image strict = image_with("").header();
    for (const char* address :
         {"::1", "100::", "2001::", "2001:1ff::", "2001:db8::", "3fff::", "5f00::", "fec0::"})
        EXPECT_TRUE(is_searched(strict, address)) << address;
    for (const char* address :
         {"2001:200::", "2001:4860::", "2003::", "2400::", "2600::", "2a0d::", "2c00::", "3000::"})
        EXPECT_FALSE(is_searched(strict, address)) << address;
    const dw_image lab = image_with("documentation-prefixes allow").header();
    EXPECT_FALSE(is_searched(lab, "3fff::")) << "3fff::/20 was all that began with it";
    EXPECT_FALSE(is_searched(lab, "2001:db8::"));
    EXPECT_TRUE(is_searched(lab, "2001:1ff::")) << "2001::/23 still is";
}

TEST(Lower, BogonsAreThoseOfTheRegistryWithoutTheHoles) {
    const CompiledImage image = compiled(policy_of(read_inbound("accept tcp 22 to nas")));
    const reader_image lines{image.image.data(), static_cast<__u32>(image.image.size() / DW_LINE)};
    const auto is_bogon = [&](const char* text) {
        const Ipv6Address address = *parse_ipv6(text);
        return reader_is_bogon(lines, {address.hi, address.lo}) != 0;
    };
    for (const char* bogon : {"::", "::1", "::ffff:0:1", "100::1", "100:0:0:1::1", "2001::1", "2001:1::4",
                              "2001:db8::1", "3fff:fff::1", "5f00::1", "2001:1ff:ffff::", "feff::1"})
        EXPECT_TRUE(is_bogon(bogon)) << bogon;
    for (const char* address : {"2001:1::1", "2001:1::3", "2001:3::1", "2001:4:112::1", "2001:20::1",
                                "2001:3f::1", "2001:200::1", "2600::1", "fe80::1", "100:0:0:2::1", "0:0:1::"})
        EXPECT_FALSE(is_bogon(address)) << address;
}

// ---- the oracle beside it

TEST(Evaluate, RejectLateDecidesLikeAnyRefusal) {
    const Policy policy =
        policy_of(read_inbound("default reject-late\nreject-late tcp 22 to self\naccept tcp to self"));
    Own own;
    own.self.push_back({0x2a00000000000000, 1});
    Query query;
    query.peer = {0x2600000000000000, 1};
    query.ours = own.self.front();
    query.proto = IPPROTO_TCP;
    query.destination_port = 22;
    const Judgement by_rule = evaluate(policy, own, query);
    EXPECT_EQ(by_rule.verdict, DW_REJECT_LATE);
    EXPECT_EQ(by_rule.rule, &policy.inbound.rules[0]);
    query.proto = IPPROTO_UDP;
    const Judgement by_default = evaluate(policy, own, query);
    EXPECT_EQ(by_default.verdict, DW_REJECT_LATE);
    EXPECT_EQ(by_default.rule, nullptr);
}

TEST(Evaluate, RejectLateComesToADropOrAReject) {
    EXPECT_TRUE(comes_to(DW_REJECT_LATE, DW_DROP));
    EXPECT_TRUE(comes_to(DW_REJECT_LATE, DW_REJECT));
    EXPECT_FALSE(comes_to(DW_REJECT_LATE, DW_ACCEPT));
    EXPECT_TRUE(comes_to(DW_REJECT, DW_REJECT));
    EXPECT_FALSE(comes_to(DW_REJECT, DW_DROP));
    EXPECT_FALSE(comes_to(DW_DROP, DW_REJECT));
}

}  // namespace
}  // namespace dishwall::test
