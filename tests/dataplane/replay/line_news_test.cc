// SPDX-License-Identifier: BSD-3-Clause
//
// What captured frames tell of the line, and of which end is ours.
#include "dataplane/replay/line_news.h"

#include <gtest/gtest.h>

#include <random>

#include "dataplane/replay/ours.h"
#include "tests/dataplane/replay/replay_frames.h"

namespace dishwall::test {
namespace {

LineNews news_of(const Bytes& frame) { return line_news(frame, parts_of(frame)); }

TEST(LineNews, AReplyTellsOfItsDelegationAndItsAddress) {
    const LineNews news = news_of(
        dhcp_reply(assignment("2001:db8:5::9", 150, 300).add(delegation("2001:db8:aa00::", 56, 150, 300))));
    ASSERT_EQ(std::distance(news.delegated.begin(), news.delegated.end()), 1);
    EXPECT_EQ(to_string(news.delegated.begin()->prefix), "2001:db8:aa00::/56");
    EXPECT_EQ(news.delegated.begin()->lives.preferred_s, 150u);
    EXPECT_EQ(news.delegated.begin()->lives.valid_s, 300u);
    ASSERT_EQ(std::distance(news.assigned.begin(), news.assigned.end()), 1);
    EXPECT_EQ(to_string(news.assigned.begin()->address), "2001:db8:5::9");
    EXPECT_EQ(news.assigned.begin()->lives.valid_s, 300u);
    EXPECT_TRUE(news.advertised.empty());
}

TEST(LineNews, AnAdvertisementTellsOfThePrefixesThatAddressesAreMadeOf) {
    const LineNews news = news_of(advertisement(prefix_information("2001:db8:5::", 150, 300)
                                                    .add(prefix_information("2001:db8:6::", 1, 2, 0x80))
                                                    .add(prefix_information("2001:db8:7::", 1, 2, 0xc0, 56))
                                                    .add(prefix_information("2001:db8:8::", 3, 2))));
    ASSERT_EQ(std::distance(news.advertised.begin(), news.advertised.end()), 1);
    EXPECT_EQ(to_string(news.advertised.begin()->prefix), "2001:db8:5::/64");
    EXPECT_EQ(news.advertised.begin()->lives.preferred_s, 150u);
    EXPECT_EQ(news.advertised.begin()->lives.valid_s, 300u);
}

TEST(LineNews, WhatIsNoReplyToAClientTellsNothing) {
    const Wire options = delegation("2001:db8:aa00::", 56, 150, 300);
    EXPECT_TRUE(news_of(dhcp_reply(options, 2)).empty()) << "an advertise is an offer";
    EXPECT_TRUE(news_of(dhcp_reply(delegation("2001:db8:aa00::", 129, 150, 300))).empty());
    EXPECT_TRUE(news_of(dhcp_reply(delegation("2001:db8:aa00::", 56, 301, 300))).empty()) << "RFC 8415 21.22";
    EXPECT_TRUE(news_of(came_in(dhcp_reply_packet(options, 7, "2001:db8:5::9"))).empty());
    Bytes elsewhere = advertisement(prefix_information("2001:db8:5::", 150, 300));
    elsewhere[22] = 0x20;  // its source is no longer link-local
    EXPECT_TRUE(news_of(elsewhere).empty());
}

TEST(LineNews, WhoSpeaksAsAClientIsThisBox) {
    const Bytes asks = dhcp_solicit();
    EXPECT_EQ(to_string(dhcp_client(asks, parts_of(asks))->address), "fe80::2");
    EXPECT_EQ(dhcp_client(asks, parts_of(asks))->mac, kUplinkMac);
    const Bytes hears = dhcp_reply({});
    EXPECT_EQ(to_string(dhcp_client(hears, parts_of(hears))->address), "fe80::2");
    EXPECT_EQ(dhcp_client(hears, parts_of(hears))->mac, kUplinkMac);
    const Bytes tried = tries("2001:db8:5::77");
    EXPECT_EQ(to_string(tried_address(tried, parts_of(tried)).value()), "2001:db8:5::77");
    EXPECT_FALSE(tried_address(asks, parts_of(asks)));
}

// Each message cut at each byte, and with any byte changed: read within its bounds (the sanitizers watch),
// and never with more than it can hold.
TEST(LineNews, DamagedMessagesAreHarmless) {
    Wire many;
    for (int i = 0; i < 20; ++i)
        many.add(delegation("2001:db8:aa00::", 56, 1, 2)).add(assignment("2001:db8::1", 1, 2));
    const std::vector<Bytes> messages{dhcp_reply(many),
                                      advertisement(prefix_information("2001:db8:5::", 150, 300)),
                                      tries("2001:db8:5::77")};
    const LineNews news = news_of(messages[0]);
    EXPECT_EQ(std::distance(news.delegated.begin(), news.delegated.end()), 8);
    std::mt19937 random(7);
    for (const Bytes& message : messages)
        for (std::size_t length = 0; length <= message.size(); ++length) {
            Bytes cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(length));
            for (int change = 0; change < 4; ++change) {
                const FrameParts parts = parts_of(cut);
                (void)line_news(cut, parts);
                (void)dhcp_client(cut, parts);
                (void)tried_address(cut, parts);
                if (!cut.empty()) cut[random() % cut.size()] = static_cast<std::uint8_t>(random());
            }
        }
}

// ---- directions

const Packet kOurWeb = Ethernet{} / Ipv6{.src = "2001:db8:1::1", .dst = "2001:db8:aa00:1::10"} / Tcp{};
const Packet kFromUs = Ethernet{} / Ipv6{.src = "2001:db8:aa00:1::10", .dst = "2001:db8:1::1"} / Tcp{};

Direction way(const Ours& ours, const Bytes& frame) { return ours.direction_of(frame, parts_of(frame)); }

TEST(Ours, WithoutAMacAddressTheAddressesTell) {
    Ours ours;
    ours.set_prefixes({*parse_prefix("2001:db8:aa00::/56"), *parse_prefix("fe80::2/128")});
    EXPECT_EQ(way(ours, kOurWeb.bytes()), Direction::inbound);
    EXPECT_EQ(way(ours, kFromUs.bytes()), Direction::outbound);
    EXPECT_EQ(way(ours, dhcp_solicit()), Direction::outbound);
    EXPECT_EQ(way(ours, advertisement({})), Direction::inbound) << "to a group, from somebody else";
    EXPECT_EQ(way(ours, (Ethernet{} / Ipv4{.src = "198.51.100.1", .dst = "100.64.0.2"} / Udp{}).bytes()),
              Direction::inbound);
    EXPECT_EQ(way(ours, (Ethernet{} / Ipv4{.src = "100.64.0.2", .dst = "198.51.100.1"} / Udp{}).bytes()),
              Direction::outbound);
}

TEST(Ours, AMacAddressTellsMoreThanAddresses) {
    Ours ours;
    ours.set_prefixes({*parse_prefix("2001:db8:aa00::/56")});
    ours.set_mac(kUplinkMac);
    EXPECT_EQ(way(ours, came_in(kFromUs)), Direction::inbound) << "somebody out there uses our address";
    EXPECT_EQ(way(ours, went_out(kOurWeb)), Direction::outbound);
    const Packet lost = Ethernet{} / Ipv6{.src = "2001:db8:1::1", .dst = "2001:db8:9::9"} / Tcp{};
    EXPECT_EQ(way(ours, came_in(lost)), Direction::inbound) << "to nobody that we know";
    EXPECT_EQ(way(ours, between(kRouterMac, {2, 0, 0, 0, 0, 9}, lost)), Direction::outbound)
        << "of neither MAC address: by its addresses again";
}

}  // namespace
}  // namespace dishwall::test
