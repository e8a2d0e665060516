// SPDX-License-Identifier: BSD-3-Clause
//
// What a rule file comes to in the image that the packet core reads: the header's fields and the lines of
// rules. That lines and sets mean what the rules mean is shown by the differential test (tests/core).
#include "rules/lower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "rules/evaluate.h"
#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

class Image {
public:
    explicit Image(const Policy& policy) {
        std::uint32_t next = DW_REASONS_MAX;
        auto made = lower(policy, [&](const Rule&) { return next++; });
        EXPECT_TRUE(made.has_value());
        if (made) {
            bytes_ = std::move(made->image);
            ranges_ = std::move(made->ranges);
        }
        bytes_.resize(std::max(bytes_.size(), sizeof(dw_image)));
    }
    [[nodiscard]] dw_image header() const { return at<dw_image>(0); }
    template <typename T>
    [[nodiscard]] std::vector<T> list(const dw_span& span) const {
        std::vector<T> values;
        for (std::uint32_t i = 0; i < span.count; ++i) values.push_back(at<T>(span.offset + i * sizeof(T)));
        return values;
    }
    [[nodiscard]] std::vector<dw_range> ranges(const dw_span& span) const {
        return {ranges_.begin() + span.offset, ranges_.begin() + span.offset + span.count};
    }

private:
    template <typename T>
    [[nodiscard]] T at(std::size_t offset) const {
        T value;
        std::memcpy(&value, bytes_.data() + offset, sizeof value);
        return value;
    }
    std::vector<std::byte> bytes_;
    std::vector<dw_range> ranges_;
};

Image image_with(std::string_view settings) {
    return Image(policy_of(read_policy(
        "rules.conf",
        "version 1\nuplink dish {\n interface eth0\n prefix pd from ra\n" + std::string(settings) + "\n}\n",
        few_services())));
}

Image image_of_outbound(std::string_view rules) {
    return Image(
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

TEST(Lower, MarksEndpointIndependentLinesAndTheImage) {
    const Image without = image_of_outbound("accept udp 3074 log");
    EXPECT_EQ(without.header().options, 0u);
    const Image with = image_of_outbound(
        "drop tcp 25\naccept udp { 3074, 88 } from nas endpoint-independent\naccept tcp endpoint-independent "
        "log");
    EXPECT_EQ(with.header().options, unsigned{DW_OPTION_INDEPENDENT});
    const auto lines = with.list<dw_rule>(with.header().outbound.rules);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0].flags, 0);
    EXPECT_EQ(lines[1].flags, DW_RULE_INDEPENDENT);
    EXPECT_EQ(lines[2].flags, DW_RULE_INDEPENDENT);
    EXPECT_EQ(lines[3].flags, DW_RULE_INDEPENDENT | DW_RULE_LOG);
}

TEST(Lower, KeepsRejectLateInRulesAndAsTheDefault) {
    const Image image(policy_of(read_inbound("default reject-late\nreject-late tcp 22 to nas")));
    EXPECT_EQ(image.header().inbound.default_verdict, unsigned{DW_REJECT_LATE});
    const auto lines = image.list<dw_rule>(image.header().inbound.rules);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].verdict, DW_REJECT_LATE);
}

// ---- the octets that some forbidden address begins with

bool is_set(const dw_image& header, unsigned octet) {
    return (header.bogon_octets[octet / 64] >> octet % 64 & 1) != 0;
}

TEST(Lower, BogonOctetsAreThoseOfTheBogonTable) {
    for (const char* settings : {"", "documentation-prefixes allow"}) {
        const Image image = image_with(settings);
        const dw_image header = image.header();
        for (unsigned octet = 0; octet < 256; ++octet) {
            bool expected = false;
            for (const dw_range& range : image.ranges(header.bogons))
                expected |= range.first.hi >> 56 <= octet && octet <= range.last.hi >> 56;
            EXPECT_EQ(is_set(header, octet), expected) << settings << " octet " << octet;
        }
    }
}

TEST(Lower, BogonOctetsLeaveMostOfTheInternetUnsearched) {
    const dw_image strict = image_with("").header();
    for (const unsigned octet : {0x00u, 0x01u, 0x20u, 0x3fu, 0x5fu, 0xfeu})
        EXPECT_TRUE(is_set(strict, octet)) << octet;
    for (const unsigned octet : {0x24u, 0x26u, 0x2au, 0x2cu, 0x30u})
        EXPECT_FALSE(is_set(strict, octet)) << octet;
    const dw_image lab = image_with("documentation-prefixes allow").header();
    EXPECT_FALSE(is_set(lab, 0x3f)) << "3fff::/20 was all that began with it";
    EXPECT_TRUE(is_set(lab, 0x20)) << "2001::/23 still does";
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
