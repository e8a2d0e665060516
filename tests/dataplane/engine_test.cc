// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/engine.h"

#include "dataplane/engine/frame_edit.h"
#include "tests/dataplane/engine_fixture.h"

namespace dishwall::test {
namespace {

TEST_F(EngineTcp, WhatHasNoSignaturePassesUnchanged) {
    const Connection c;
    open(c);
    const Packet packet = c.data(0, "GET / HTTP/1.1\r\n");
    EXPECT_EQ(in(packet), Fate::forward);
    std::vector<std::uint8_t> expected = packet.bytes();
    std::copy(CoreWorld::kOurEnd.begin(), CoreWorld::kOurEnd.end(), expected.begin());
    EXPECT_EQ(judged, expected);
    EXPECT_EQ(tally(DW_TALLY_PASSED), 3u);
    EXPECT_EQ(tally(DW_TALLY_BYTES), 16u);
    EXPECT_TRUE(events.empty());
}

TEST_F(EngineTcp, ASignatureInOneByteSegmentsStopsAtItsLastByteAndEndsTheFlow) {
    const Connection c;
    open(c);
    const std::string text = "an attack";
    for (std::uint32_t i = 0; i + 1 < text.size(); ++i)
        ASSERT_EQ(in(c.data(i, text.substr(i, 1))), Fate::forward) << i;
    const std::uint32_t rule = world.flow(last_outcome.flow).rule;
    EXPECT_EQ(in(c.data(8, "k")), Fate::drop);
    EXPECT_EQ(tally(DW_TALLY_MATCHED), 1u);
    EXPECT_EQ(tally(DW_TALLY_FLOWS_ENDED), 1u);
    EXPECT_TRUE(word() & DW_INSPECT_ENDED);
    EXPECT_EQ(world.run(Direction::inbound, c.data(8, "k").bytes()).reason, DW_REASON_SIGNATURE);
    EXPECT_EQ(out(c.from_us(kAck, 0)).reason, DW_REASON_SIGNATURE);
    EXPECT_EQ(behind_core(c.data(8, "k").bytes()), Fate::drop) << "on its way when the flow ended";
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, InspectEvent::Kind::match);
    EXPECT_EQ(events[0].signature, 1u);
    EXPECT_EQ(events[0].rule, rule);
    EXPECT_EQ(events[0].set, world.set_id("web"));
    EXPECT_TRUE(events[0].inbound);
    EXPECT_EQ(events[0].sport, 40000);
    EXPECT_EQ(events[0].dport, 8000);
    EXPECT_EQ(events[0].source.hi, 0x20010db800010000u);
    EXPECT_EQ(engine->flows(), 0u);
}

TEST_F(EngineTcp, SegmentsOutOfOrderAreSearchedInOrder) {
    const Connection c;
    open(c);
    EXPECT_EQ(in(c.data(6, "ck")), Fate::forward);
    EXPECT_EQ(in(c.data(2, "at")), Fate::forward) << "two gaps: it is known where the stream begins";
    EXPECT_EQ(in(c.data(0, "..")), Fate::forward);
    EXPECT_EQ(in(c.data(4, "ta")), Fate::drop) << "fills the gap in front of the rest";
}

TEST_F(EngineTcp, ARewriteOfBytesIsDroppedAndSaidOnce) {
    const Connection c;
    open(c);
    EXPECT_EQ(in(c.data(0, "attXck")), Fate::forward);
    EXPECT_EQ(in(c.data(3, "ack")), Fate::drop);
    EXPECT_EQ(in(c.data(3, "ack")), Fate::drop);
    EXPECT_EQ(tally(DW_TALLY_CONFLICT), 2u);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].kind, InspectEvent::Kind::conflict);
    EXPECT_EQ(in(c.data(6, " and more")), Fate::forward);
}

TEST_F(EngineTcp, WhatOurSideAcknowledgedIsNotCompared) {
    const Connection c;
    open(c);
    EXPECT_EQ(in(c.data(0, "abcdef")), Fate::forward);
    acknowledge(c, 6);
    EXPECT_EQ(in(c.data(3, "ack")), Fate::forward);
    EXPECT_EQ(tally(DW_TALLY_CONFLICT), 0u);
}

TEST_F(EngineTcp, AFlowMetInTheMiddleIsSearchedFromWhereItsReceiverStands) {
    const Connection c;
    open(c);
    for (std::uint32_t at = 0; at < 10; ++at)  // while nobody inspected
        world.run(Direction::inbound, c.data(at, "x").bytes());
    acknowledge(c, 10);
    EXPECT_EQ(in(c.data(13, "ack")), Fate::forward) << "bytes are missing that our side has not got";
    EXPECT_EQ(in(c.data(10, "att")), Fate::drop);
}

TEST_F(EngineTcp, UrgentIsCleared) {
    const Connection c;
    open(c);
    std::vector<std::uint8_t> frame = c.from_peer(kAck | kUrg, 0, "abc").bytes();
    EXPECT_EQ(in(frame), Fate::forward);
    EXPECT_EQ(judged[14 + 40 + 13], kAck);
    EXPECT_TRUE(is_whole(judged));
    const Packet urgent_only = c.from_peer(kAck | kUrg, 3);
    EXPECT_EQ(in(urgent_only), Fate::forward);
    EXPECT_EQ(judged[14 + 40 + 13], kAck);
    EXPECT_TRUE(is_whole(judged));
}

TEST_F(EngineTcp, AWrongChecksumIsDroppedAndLeavesNoTrace) {
    const Connection c;
    open(c);
    std::vector<std::uint8_t> bad = c.data(0, "attack").bytes();
    bad[14 + 40 + 16] ^= 1;
    EXPECT_EQ(behind_core(bad), Fate::drop);
    EXPECT_EQ(tally(DW_TALLY_CHECKSUM), 1u);
    EXPECT_EQ(in(c.data(0, "harmless")), Fate::forward);
}

TEST_F(EngineTcp, AChecksumLeftToTheNicIsCompleted) {
    const Connection c;
    open(c);
    const std::vector<std::uint8_t> right = c.data(0, "harmless").bytes();
    std::vector<std::uint8_t> bare = right;
    const auto sum = static_cast<std::uint16_t>(~pseudo_sum(bare.data(), 6, bare.size() - 54).complement());
    store_be16(&bare[54 + 16], sum);
    EXPECT_EQ(in(bare), Fate::forward);
    EXPECT_EQ(load_be16(&judged[54 + 16]), load_be16(&right[54 + 16]));
}

TEST_F(EngineTcp, ALongCleanFlowGoesBackToTheFastPath) {
    configure("1:/attack/\n", [](InspectedSignatures& s) { s.clean_after = 1000; });
    const Connection c;
    open(c);
    EXPECT_EQ(in(c.data(0, std::string(999, 'x'))), Fate::forward);
    EXPECT_FALSE(word() & DW_INSPECT_CLEAN);
    EXPECT_EQ(in(c.data(999, "x")), Fate::forward);
    EXPECT_TRUE(word() & DW_INSPECT_CLEAN);
    EXPECT_EQ(world.run(Direction::inbound, c.data(1000, "attack").bytes()).reason, DW_REASON_INSPECT_CLEAN);
    EXPECT_EQ(behind_core(c.data(1000, "attack").bytes()), Fate::forward) << "was on its way";
    EXPECT_EQ(tally(DW_TALLY_FLOWS_CLEAN), 1u);
    EXPECT_EQ(engine->flows(), 0u);
    EXPECT_EQ(engine->scanned().open_streams, 0u);
}

TEST_F(EngineTcp, AnAlertGoesOnAndIsSaidOnce) {
    configure("1:/attack/\n", [](InspectedSignatures& s) { s.on_match = Signatures::OnMatch::alert; });
    const Connection c;
    open(c);
    EXPECT_EQ(in(c.data(0, "attack")), Fate::forward);
    EXPECT_TRUE(word() & DW_INSPECT_CLEAN);
    EXPECT_FALSE(word() & DW_INSPECT_ENDED);
    EXPECT_EQ(tally(DW_TALLY_ALERTED), 1u);
    EXPECT_EQ(tally(DW_TALLY_PASSED), 3u);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].action, Signatures::OnMatch::alert);
}

TEST_F(EngineTcp, AFlowGoesOnWithTheSignaturesItBeganWith) {
    const Connection old_one, new_one{.peer_port = 40001};
    open(old_one);
    EXPECT_EQ(in(old_one.data(0, "att")), Fate::forward);
    configure("2:/other/\n");
    open(new_one);
    EXPECT_EQ(in(new_one.data(0, "attack")), Fate::forward);
    EXPECT_EQ(in(old_one.data(3, "ack")), Fate::drop);
    EXPECT_EQ(in(new_one.data(6, "other")), Fate::drop);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].signature, 1u);
    EXPECT_EQ(events[1].signature, 2u);
}

TEST_F(EngineTcp, WithoutItsSignaturesTheRulesOnFailureHolds) {
    const Connection strict, lenient{.port = 8001};
    open(strict);
    open(lenient);
    engine->configure({});
    engine->tick(world.clock_ns());
    EXPECT_EQ(in(strict.data(0, "harmless")), Fate::drop);
    EXPECT_EQ(in(lenient.data(0, "attack")), Fate::forward);
    EXPECT_EQ(tally(DW_TALLY_UNSCANNABLE), 2u);
}

TEST_F(EngineTest, ADatagramIsSearchedByItself) {
    EXPECT_EQ(in(game("att")), Fate::forward);
    EXPECT_EQ(in(game("ack")), Fate::forward);
    EXPECT_FALSE(word() & DW_INSPECT_ENDED);
    EXPECT_EQ(in(game("an attack")), Fate::drop);
    EXPECT_TRUE(word() & DW_INSPECT_ENDED);
    EXPECT_EQ(tally(DW_TALLY_PASSED), 2u);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].proto, 17);
}

TEST_F(EngineTest, WhatIsBehindADatagramsOwnLengthIsNotPartOfIt) {
    configure("1:/attack$/\n");
    std::vector<std::uint8_t> frame =
        (Ethernet{} / Ipv6{} / Udp{.sport = 4000, .dport = 8002, .length = 8 + 6, .checksum = 0} /
         Payload{{'a', 't', 't', 'a', 'c', 'k', '!', '!'}})
            .bytes();
    EXPECT_EQ(in(game("x")), Fate::forward);
    EXPECT_EQ(behind_core(frame), Fate::drop);
    EXPECT_EQ(tally(DW_TALLY_MATCHED), 1u);
}

TEST_F(EngineTest, AFrameOfNoFlowIsDropped) {
    EXPECT_EQ(behind_core(game("harmless").bytes()), Fate::drop);
    EXPECT_EQ(to_engine({1, 2, 3}), Fate::drop);
    EXPECT_EQ(to_engine(std::vector<std::uint8_t>(60)), Fate::drop);
    EXPECT_EQ(tally(DW_TALLY_STRAY), 3u);
}

}  // namespace
}  // namespace dishwall::test
