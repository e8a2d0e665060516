// SPDX-License-Identifier: BSD-3-Clause
//
// What a match comes to besides the drop: resets and errors, bans.
#include "dataplane/engine/answers.h"

#include "dataplane/engine/ban_list.h"
#include "tests/dataplane/engine_fixture.h"

namespace dishwall::test {
namespace {

std::uint32_t be32(const std::vector<std::uint8_t>& frame, std::size_t at) {
    return static_cast<std::uint32_t>(load_be16(&frame[at])) << 16 | load_be16(&frame[at + 2]);
}

MacAddress mac(const std::vector<std::uint8_t>& frame, std::size_t at) {
    MacAddress mac;
    std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at), 6, mac.begin());
    return mac;
}

void rejecting(InspectedSignatures& s) { s.on_match = Signatures::OnMatch::reject; }

constexpr std::size_t kTcp = 14 + 40;

TEST_F(EngineTcp, ARejectResetsBothEndsWithNumbersThatTheyBelieve) {
    configure("1:/attack/\n", rejecting);
    const Connection c;
    open(c);
    EXPECT_EQ(in(c.data(0, "an ")), Fate::forward);
    EXPECT_EQ(in(c.data(3, "attack")), Fate::drop);
    ASSERT_EQ(sent.size(), 2u);
    const auto& back = sent[0];
    EXPECT_EQ(mac(back, 0), kRouterMac);
    EXPECT_EQ(mac(back, 6), kUplink);
    EXPECT_TRUE(std::equal(back.begin() + 14 + 24, back.begin() + 14 + 40, judged.begin() + 14 + 8))
        << "to the peer";
    EXPECT_EQ(load_be16(&back[kTcp]), 8000);
    EXPECT_EQ(be32(back, kTcp + 4), 5001u) << "what the peer expects next";
    EXPECT_EQ(be32(back, kTcp + 8), 1001u + 9);
    EXPECT_EQ(back[kTcp + 13], kRst | kAck);
    EXPECT_TRUE(is_whole(back));
    const auto& onward = sent[1];
    EXPECT_EQ(mac(onward, 0), CoreWorld::kOurEnd);
    EXPECT_EQ(mac(onward, 6), kRouterMac);
    EXPECT_TRUE(std::equal(onward.begin() + 14 + 8, onward.begin() + 14 + 40, judged.begin() + 14 + 8));
    EXPECT_EQ(load_be16(&onward[kTcp]), 40000);
    EXPECT_EQ(be32(onward, kTcp + 4), 1001u + 3) << "what our side expects next";
    EXPECT_EQ(onward[kTcp + 13], kRst | kAck);
    EXPECT_TRUE(is_whole(onward));
    EXPECT_EQ(events[0].action, Signatures::OnMatch::reject);
}

TEST_F(EngineTest, ARejectedDatagramsSenderIsTold) {
    configure("1:/attack/\n", rejecting);
    EXPECT_EQ(in(game("an attack")), Fate::drop);
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(mac(sent[0], 0), kRouterMac);
    EXPECT_EQ(sent[0][kTcp], 1);
    EXPECT_EQ(sent[0][kTcp + 1], 1);
    EXPECT_EQ(sent[0].size(), kTcp + 8 + 40 + 8 + 9);
    EXPECT_TRUE(std::equal(judged.begin() + 14, judged.end(), sent[0].begin() + kTcp + 8)) << "quotes it";
    EXPECT_TRUE(is_whole(sent[0]));
}

TEST_F(EngineTest, NoMoreThanAHundredRejectsASecondAreAnswered) {
    configure("1:/attack/\n", rejecting);
    for (std::uint16_t i = 0; i < 150; ++i)
        EXPECT_EQ(in(Ethernet{} / Ipv6{} / Udp{.sport = i, .dport = 8002} /
                     Payload{{'a', 't', 't', 'a', 'c', 'k'}}),
                  Fate::drop);
    EXPECT_EQ(sent.size(), 100u);
}

TEST(Answers, KnowIpv4) {
    CoreWorld world("");
    FlowTable table(world.tables());
    const EthernetEnds ends{{1, 2, 3, 4, 5, 6}, {2, 2, 2, 2, 2, 2}};
    const std::vector<std::uint8_t> segment =
        (Ethernet{} / Ipv4{} / Tcp{.flags = kAck, .seq = 10, .ack = 20} / Payload{Bytes(3)}).bytes();
    dw_sight sight;
    ASSERT_TRUE(table.look(segment.data(), static_cast<std::uint32_t>(segment.size()), true, &sight));
    const auto reset = reset_to_sender(segment.data(), sight, ends);
    EXPECT_EQ(WireSum().add({&reset[14], 20}).complement(), 0);
    EXPECT_TRUE(is_whole(reset));
    EXPECT_EQ(be32(reset, 14 + 20 + 4), 20u);
    EXPECT_TRUE(std::equal(reset.begin() + 14 + 16, reset.begin() + 14 + 20, segment.begin() + 14 + 12));
    const std::vector<std::uint8_t> datagram = (Ethernet{} / Ipv4{} / Udp{} / Payload{Bytes(1000)}).bytes();
    ASSERT_TRUE(table.look(datagram.data(), static_cast<std::uint32_t>(datagram.size()), true, &sight));
    const auto error = prohibited(datagram.data(), sight, ends);
    EXPECT_EQ(error.size(), 14 + 576u);
    EXPECT_EQ(error[14 + 20], 3);
    EXPECT_EQ(error[14 + 21], 13);
    EXPECT_TRUE(is_whole(error));
}

TEST_F(EngineTcp, ABannedSourceOpensNothingUntilItsTimeIsOver) {
    configure("1:/attack/\n", [](InspectedSignatures& s) { s.ban_s = 600; });
    const Connection c, next{.peer_port = 40001}, other{.peer_port = 40002, .peer = "2001:db8:2::1"};
    open(c);
    EXPECT_EQ(in(c.data(0, "attack")), Fate::drop);
    EXPECT_EQ(events[0].banned_s, 600u);
    EXPECT_EQ(tally(DW_TALLY_BANS), 1u);
    EXPECT_EQ(world.run(Direction::inbound, next.from_peer(kSyn, 0).bytes()).reason, DW_REASON_BANNED);
    open(other);
    world.wait(std::chrono::seconds(601));
    open(next);
}

TEST_F(EngineTest, WhoMayHaveBorrowedItsAddressIsNotBanned) {
    configure("1:/attack/\n", [](InspectedSignatures& s) { s.ban_s = 600; });
    EXPECT_EQ(in(game("attack")), Fate::drop);
    EXPECT_EQ(events[0].banned_s, 0u);
    EXPECT_EQ(tally(DW_TALLY_BANS), 0u);
}

TEST(BanList, AFullLineGivesTheBanThatEndsFirst) {
    const AlignedArray<dw_inspection> inspection = make_aligned<dw_inspection>(1);
    std::vector<std::uint64_t> networks;  // of one line
    for (std::uint64_t hi = 1; networks.size() < 5; ++hi)
        if (dw_ban_line(hi) == 7) networks.push_back(hi);
    for (std::uint64_t i = 0; i < 5; ++i) EXPECT_TRUE(ban(inspection.get(), {networks[i], 1}, 10, 100 + i));
    const dw_ban* const line = inspection[0].ban[7];
    const auto until = [&](std::uint64_t network) {
        for (unsigned way = 0; way < DW_BAN_WAYS; ++way)
            if (line[way].network == network) return line[way].until_ns;
        return __u64{0};
    };
    EXPECT_EQ(until(networks[0]), 0u);
    for (unsigned i = 1; i < 5; ++i) EXPECT_EQ(until(networks[i]), 100u + i);
    EXPECT_TRUE(ban(inspection.get(), {networks[4], 2}, 10, 50));
    EXPECT_EQ(until(networks[4]), 104u) << "the longer one holds";
    EXPECT_EQ(inspection[0].bans, 6u);
    EXPECT_FALSE(ban(inspection.get(), {0, 0xffff01020304}, 10, 100)) << "IPv4 has no /64";
}

}  // namespace
}  // namespace dishwall::test
