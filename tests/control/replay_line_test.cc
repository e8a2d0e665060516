// SPDX-License-Identifier: BSD-3-Clause
//
// The line as a capture tells of it: from DHCPv6 replies, router advertisements, and who sends what.
#include "control/dishctl/replay_line.h"

#include <gtest/gtest.h>

#include "tests/core/world.h"
#include "tests/dataplane/replay/replay_frames.h"

namespace dishwall::test {
namespace {

using Texts = std::vector<std::string>;

class ReplayLines : public ::testing::Test {
protected:
    void begin(const GivenLine& given = {}, const std::string& rules = kWorldRules) {
        policy_ = read_or_throw(rules);
        auto line = ReplayLine::make(policy_, given);
        ASSERT_TRUE(line) << line.error().message;
        line_ = std::move(*line);
    }
    std::string refused(const GivenLine& given, const std::string& rules = kWorldRules) {
        policy_ = read_or_throw(rules);
        auto line = ReplayLine::make(policy_, given);
        return line ? "" : line.error().message;
    }
    // As a replay does with a frame that is let through.
    void see(Bytes bytes, std::int64_t later_s = 0, bool accepted = true) {
        time_ns_ += later_s * kSecond_ns;
        const CapturedFrame frame = captured(std::move(bytes), time_ns_, ++number_);
        (void)line_->before(frame);
        way_ = line_->direction_of(frame);
        if (accepted && way_ == Direction::inbound) (void)line_->passed(frame);
    }
    // "2001:db8:aa00::/56 preferred"
    [[nodiscard]] Texts prefixes() const {
        constexpr const char* kStates[] = {"none", "preferred", "deprecated", "grace"};
        Texts texts;
        for (const LivePrefix& live : line_->own().prefixes)
            texts.push_back(to_string(live.prefix) + " " + kStates[live.state] +
                            (live.onlink ? " onlink" : ""));
        std::ranges::sort(texts);
        return texts;
    }
    [[nodiscard]] Texts self() const {
        Texts texts;
        for (const Ipv6Address& address : line_->own().self) texts.push_back(to_string(address));
        std::ranges::sort(texts);
        return texts;
    }
    [[nodiscard]] Texts changes() const {
        Texts texts;
        for (const ReplayLine::Change& one : line_->changes())
            texts.push_back(std::to_string(one.packet) + " " + one.text);
        return texts;
    }
    static Bytes ping() { return data("2001:db8:1::1", "2001:db8:9::9", false); }  // means nothing
    static Bytes data(const char* from, const char* to, bool out) {
        const Packet packet = Ethernet{} / Ipv6{.src = from, .dst = to} / Udp{};
        return out ? went_out(packet) : came_in(packet);
    }

    Policy policy_;
    std::unique_ptr<ReplayLine> line_;
    std::int64_t time_ns_ = kBegin_ns;
    std::uint64_t number_ = 0;
    Direction way_{};
};

TEST_F(ReplayLines, AReplyGivesThePrefixFromThenOn) {
    begin();
    EXPECT_EQ(prefixes(), Texts{});
    see(data("2001:db8:1::1", "2001:db8:aa00:1::10", false));
    EXPECT_EQ(line_->early(), 1u);
    see(dhcp_solicit());
    EXPECT_EQ(way_, Direction::outbound);
    EXPECT_EQ(self(), Texts{"fe80::2"});
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 150, 300).add(assignment("2001:db8:5::9", 150, 300))));
    EXPECT_EQ(way_, Direction::inbound);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:aa00::/56 preferred"});
    EXPECT_EQ(self(), (Texts{"2001:db8:5::9", "fe80::2"}));
    EXPECT_EQ(changes(), Texts{"3 dish.pd: 2001:db8:aa00::/56 is new"});
    EXPECT_EQ(line_->early(), 1u) << "what asks for a prefix does not count";
    EXPECT_EQ(line_->unknown(), Texts{});
    see(data("2001:db8:1::1", "2001:db8:aa00:1::10", false));
    EXPECT_EQ(way_, Direction::inbound);
    EXPECT_EQ(line_->early(), 1u);
}

TEST_F(ReplayLines, LifetimesRunOnTheCapturesClock) {
    begin();
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 150, 300)));
    see(ping(), 149);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:aa00::/56 preferred"});
    see(ping(), 2);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:aa00::/56 deprecated"});
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 150, 300)), 10);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:aa00::/56 preferred"}) << "renewed";
    see(ping(), 301);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:aa00::/56 grace"});
    see(ping(), 301);
    EXPECT_EQ(prefixes(), Texts{});
}

TEST_F(ReplayLines, ARenumberingHasBothPrefixesForAWhile) {
    begin();
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 150, 300)));
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 0, 0).add(delegation("2001:db8:bb00::", 56, 150, 300))),
        10);
    EXPECT_EQ(prefixes(), (Texts{"2001:db8:aa00::/56 grace", "2001:db8:bb00::/56 preferred"}));
}

TEST_F(ReplayLines, AReplyThatWasNotLetThroughTellsNothing) {
    begin();
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 150, 300)), 0, false);
    EXPECT_EQ(prefixes(), Texts{});
    EXPECT_EQ(line_->unknown(), Texts{"dish.pd"});
}

TEST_F(ReplayLines, AnAdvertisementGivesTheOnLinkPrefixAndWhatWeSendFromInIt) {
    begin();
    see(dhcp_solicit());
    see(advertisement(prefix_information("2001:db8:5::", 150, 300)));
    EXPECT_EQ(prefixes(), Texts{"2001:db8:5::/64 preferred onlink"});
    EXPECT_EQ(self(), Texts{"fe80::2"}) << "nobody knows our address in it yet";
    see(tries("2001:db8:5::77"));
    see(data("2001:db8:5::78", "2001:db8:9::1", true));
    see(data("2001:db8:5::79", "2001:db8:9::1", false));  // from another MAC address
    see(data("2001:db8:77::1", "2001:db8:9::1", true));   // not on the link: a host behind us that lies
    EXPECT_EQ(self(), (Texts{"2001:db8:5::77", "2001:db8:5::78", "fe80::2"}));
    see(ping(), 301);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:5::/64 grace onlink"});
}

// RFC 4862 5.5.3 e: nobody on the link ends our address by an advertisement.
TEST_F(ReplayLines, AnAdvertisementCannotTakeAPrefixAtOnce) {
    begin();
    see(advertisement(prefix_information("2001:db8:5::", 8000, 9000)));
    see(advertisement(prefix_information("2001:db8:5::", 0, 0)), 10);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:5::/64 deprecated onlink"});
    see(ping(), 7199);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:5::/64 deprecated onlink"});
    see(ping(), 2);
    EXPECT_EQ(prefixes(), Texts{"2001:db8:5::/64 grace onlink"});
}

TEST_F(ReplayLines, WhatIsGivenHoldsFromTheFirstPacketAndWins) {
    begin({.prefixes = {given_prefix("dish.pd=2001:db8:cc00::/60").value(),
                        given_prefix("dish.onlink=2001:db8:5::/64").value()},
           .self = {parse_ipv6("2001:db8:5::2").value()}});
    EXPECT_EQ(prefixes(), (Texts{"2001:db8:5::/64 preferred onlink", "2001:db8:cc00::/60 preferred"}));
    EXPECT_EQ(self(), Texts{"2001:db8:5::2"});
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 150, 300)));
    see(advertisement(prefix_information("2001:db8:6::", 150, 300)));
    see(ping(), 100'000);
    EXPECT_EQ(prefixes(), (Texts{"2001:db8:5::/64 preferred onlink", "2001:db8:cc00::/60 preferred"}));
    EXPECT_EQ(line_->early(), 0u);
}

TEST_F(ReplayLines, OurMacAddressIsThatOfWhatIsBehindUs) {
    begin({.prefixes = {given_prefix("dish.pd=2001:db8:aa00::/56").value()}, .self = {}});
    const Packet lost = Ethernet{} / Ipv6{.src = "2001:db8:1::1", .dst = "2001:db8:9::9"} / Udp{};
    see(came_in(lost));
    EXPECT_EQ(way_, Direction::outbound) << "nothing else is known of it";
    see(data("2001:db8:aa00:1::10", "2001:db8:9::9", true));
    see(came_in(lost));
    EXPECT_EQ(way_, Direction::inbound);
}

TEST_F(ReplayLines, TwoDelegationsCannotBeToldApart) {
    std::string rules = kWorldRules;
    const std::string pd = "prefix pd from dhcpv6-pd";
    rules.replace(rules.find(pd), pd.size(),
                  "prefix pd from dhcpv6-pd metric 10\n    prefix other from dhcpv6-pd metric 20");
    begin({}, rules);
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 150, 300)));
    EXPECT_EQ(line_->unknown(), Texts{"dish.pd"});
    begin({.prefixes = {given_prefix("dish.other=2001:db8:cc00::/56").value()}, .self = {}}, rules);
    see(dhcp_reply(delegation("2001:db8:aa00::", 56, 150, 300)));
    EXPECT_EQ(prefixes(), (Texts{"2001:db8:aa00::/56 preferred", "2001:db8:cc00::/56 preferred"}));
}

TEST_F(ReplayLines, AFloodOfAdvertisementsIsBounded) {
    begin();
    see(dhcp_solicit());
    for (unsigned i = 0; i < 1000; ++i)
        see(advertisement(prefix_information(fmt::format("2001:db8:5:{:x}::", i).c_str(), 150, 300)));
    EXPECT_EQ(line_->own().prefixes.size(), std::size_t{DW_PREFIXES});
    for (unsigned i = 0; i < 1000; ++i) see(tries(fmt::format("2001:db8:5::{:x}", i + 1).c_str()));
    EXPECT_LE(line_->own().self.size(), 64u);
    EXPECT_LE(line_->changes().size(), ReplayLine::kChangesMost);
    dw_own table{};
    EXPECT_TRUE(encode(line_->own(), &table));
}

TEST_F(ReplayLines, WhatIsGivenWronglyIsRefused) {
    const auto given = [](const char* word) {
        return GivenLine{.prefixes = {given_prefix(word).value()}, .self = {}};
    };
    EXPECT_EQ(
        given_prefix("dish.pd").error().message,
        "--prefix: 'dish.pd' has to be a prefix source and its prefix, as in dish.pd=2001:db8:1100::/56");
    EXPECT_EQ(given_prefix("dish.pd=2001:db8::1/56").error().message,
              "--prefix: 'dish.pd=2001:db8::1/56' has to be a prefix source and its prefix, as in "
              "dish.pd=2001:db8:1100::/56");
    EXPECT_EQ(refused(given("dish.onlink=2001:db8:5::/60")),
              "--prefix: dish.onlink is not from dhcpv6-pd, so 2001:db8:5::/60 has to be a /64");
    EXPECT_EQ(
        refused(given("dish.pd=2001:db8::/32")),
        "--prefix: 2001:db8::/32 cannot be a delegation: it needs a length from /48 to /64 inside 2000::/3");
    EXPECT_EQ(refused(given("dish.fixed=2001:db8:aa00::/56"),
                      world_rules_with("prefix fixed static 2001:db8:dd00::/56")),
              "--prefix: dish.fixed is static, its prefix stands in the rule file");
}

}  // namespace
}  // namespace dishwall::test
