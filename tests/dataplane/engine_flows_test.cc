// SPDX-License-Identifier: BSD-3-Clause
//
// What an engine remembers, for how long, and of fragments.
#include "tests/dataplane/engine_fixture.h"

namespace dishwall::test {
namespace {

TEST_F(EngineTcp, BothDirectionsAreSearchedWhereTheSignaturesSaySo) {
    const Connection c{.port = 8004};
    open(c);
    EXPECT_EQ(in(c.data(0, "GET /")), Fate::forward);
    const Packet first = c.from_us(kAck, 0, "an att", 5), second = c.from_us(kAck, 6, "ack", 5);
    EXPECT_EQ(out(first).reason, DW_REASON_INSPECT);
    EXPECT_EQ(to_engine(first.bytes()), Fate::forward);
    EXPECT_EQ(out(second).reason, DW_REASON_INSPECT);
    EXPECT_EQ(to_engine(second.bytes()), Fate::drop);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_FALSE(events[0].inbound);
    EXPECT_EQ(events[0].sport, 8004);
    EXPECT_TRUE(word() & DW_INSPECT_ENDED);
}

TEST_F(EngineTcp, WhatThePeerAcknowledgedIsNotCompared) {
    const Connection c{.port = 8004};
    open(c);
    EXPECT_EQ(in(c.data(0, "GET /")), Fate::forward);
    EXPECT_EQ(to_engine(c.from_us(kAck, 0, "abc", 5).bytes()), Fate::forward);
    EXPECT_EQ(to_engine(c.from_us(kAck, 0, "abX", 5).bytes()), Fate::drop);
    out(c.from_us(kAck, 0, "abc", 5));
    EXPECT_EQ(in(c.from_peer(kAck, 5, "", 3)), Fate::forward);
    EXPECT_EQ(to_engine(c.from_us(kAck, 0, "abX", 5).bytes()), Fate::forward);
}

TEST_F(EngineTcp, AFloodOfSynsTakesNoState) {
    for (std::uint16_t port = 1; port <= 100; ++port)
        EXPECT_EQ(in(Connection{.peer_port = port}.from_peer(kSyn, 0)), Fate::forward);
    EXPECT_EQ(engine->flows(), 0u);
}

TEST_F(EngineTcp, NobodyMakesWayForOneFlowTooMany) {
    begin_engine({.flows = 1});
    const Connection first, second{.peer_port = 40001}, lenient{.port = 8001};
    for (const Connection& c : {first, second, lenient}) open(c);
    EXPECT_EQ(in(first.data(0, "att")), Fate::forward);
    EXPECT_EQ(in(second.data(0, "harmless")), Fate::drop);
    EXPECT_EQ(in(lenient.data(0, "attack")), Fate::forward);
    EXPECT_EQ(tally(DW_TALLY_UNSCANNABLE), 2u);
    EXPECT_EQ(in(first.data(3, "ack")), Fate::drop);
    EXPECT_EQ(in(second.data(0, "harmless")), Fate::forward) << "there is room again";
}

TEST_F(EngineTcp, ASlotThatIsUsedAgainBeginsAnew) {
    const Connection c;
    open(c);
    EXPECT_EQ(in(c.data(0, "att")), Fate::forward);
    world.flow_at(last_outcome.flow).first_seen += 7;  // as if the same addresses and ports had met again
    EXPECT_EQ(in(c.data(3, "ack")), Fate::forward);
    EXPECT_EQ(engine->flows(), 1u);
}

TEST_F(EngineTcp, TheStateOfAFlowThatIsGoneIsDroppedInTime) {
    const Connection gone, stays{.peer_port = 40001};
    open(gone);
    EXPECT_EQ(in(gone.data(0, "a")), Fate::forward);
    world.flow_at(last_outcome.flow).key.outside_port = 1;
    open(stays);
    EXPECT_EQ(in(stays.data(0, "a")), Fate::forward);
    world.wait(std::chrono::seconds(1));
    engine->tick(world.clock_ns());
    EXPECT_EQ(engine->flows(), 1u);
    world.wait(std::chrono::hours(3));
    engine->tick(world.clock_ns());
    EXPECT_EQ(engine->flows(), 0u) << "idle for longer than an established connection may be";
    EXPECT_EQ(engine->scanned().open_streams, 0u);
}

TEST_F(EngineTcp, AMarkIsNotSetInAFlowThatTookTheSlot) {
    const Connection c;
    open(c);
    FlowTable table(world.tables());
    std::vector<std::uint8_t> frame = c.data(0, "x").bytes();
    dw_sight sight;
    ASSERT_TRUE(table.look(frame.data(), static_cast<std::uint32_t>(frame.size()), true, &sight));
    FlowName name = table.name(sight);
    const std::uint16_t set = world.set_id("web");
    EXPECT_FALSE(table.mark(name, static_cast<std::uint16_t>(set + 1), DW_INSPECT_ENDED))
        << "other signatures";
    EXPECT_TRUE(table.mark(name, set, DW_INSPECT_CLEAN));
    EXPECT_FALSE(table.mark(name, set, DW_INSPECT_CLEAN)) << "it is";
    ++name.first_seen;
    EXPECT_FALSE(table.mark(name, set, DW_INSPECT_ENDED));
    EXPECT_EQ(table.word(name.id) & (DW_INSPECT_CLEAN | DW_INSPECT_ENDED), DW_INSPECT_CLEAN);
}

// A packet to the NAS in fragments of so many bytes.
std::vector<std::vector<std::uint8_t>> in_fragments(const Packet& packet, std::size_t part,
                                                    std::uint32_t id) {
    const std::vector<std::uint8_t> whole = packet.bytes();
    const std::vector<std::uint8_t> datagram(whole.begin() + 54, whole.end());
    std::vector<std::vector<std::uint8_t>> frames;
    for (std::size_t at = 0; at < datagram.size(); at += part) {
        const auto from = datagram.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t length = std::min(part, datagram.size() - at);
        frames.push_back((Ethernet{} / Ipv6{} /
                          Fragment{.offset = static_cast<std::uint16_t>(at / 8),
                                   .more = at + part < datagram.size(),
                                   .id = id,
                                   .next = whole[14 + 6]} /
                          Payload{{from, from + static_cast<std::ptrdiff_t>(length)}})
                             .bytes());
    }
    return frames;
}
std::vector<std::vector<std::uint8_t>> in_fragments(std::string_view text, std::size_t part,
                                                    std::uint32_t id = 1) {
    return in_fragments(game(text), part, id);
}

TEST_F(EngineTcp, ASegmentInFragmentsIsPartOfItsStream) {
    const Connection c;
    open(c);
    EXPECT_EQ(in(c.data(0, "att")), Fate::forward);
    const auto urgent = in_fragments(c.from_peer(kAck | kUrg, 6, "and more"), 24, 1);
    ASSERT_EQ(urgent.size(), 2u);
    EXPECT_EQ(in(urgent[0]), Fate::held);
    EXPECT_EQ(in(urgent[1]), Fate::held);
    ASSERT_EQ(sent.size(), 2u);
    EXPECT_EQ(sent[0][14 + 40 + 8 + 13], kAck) << "URG is cleared in the fragment that has it";
    const auto frames = in_fragments(c.data(3, "ackand more"), 24, 2);
    EXPECT_EQ(in(frames[0]), Fate::held);
    EXPECT_EQ(in(frames[1]), Fate::drop);
    EXPECT_EQ(tally(DW_TALLY_MATCHED), 1u);
    EXPECT_EQ(sent.size(), 2u);
}

TEST_F(EngineTest, FragmentsAreHeldAndGoOnTogetherByOffset) {
    const auto frames = in_fragments("harmless, in three parts", 16);
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(in(frames[0]), Fate::held);
    EXPECT_TRUE(sent.empty());
    EXPECT_EQ(in(frames[1]), Fate::held);
    ASSERT_EQ(sent.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_TRUE(std::equal(frames[i].begin() + 6, frames[i].end(), sent[i].begin() + 6, sent[i].end()));
    EXPECT_TRUE(std::equal(CoreWorld::kOurEnd.begin(), CoreWorld::kOurEnd.end(), sent[0].begin()));
    EXPECT_EQ(tally(DW_TALLY_FRAGMENTS), 2u);
    EXPECT_EQ(tally(DW_TALLY_PASSED), 2u);
    EXPECT_EQ(engine->fragments().bytes(), 0u);
}

TEST_F(EngineTest, ASignatureOverFragmentsIsFoundInAnyOrder) {
    const auto frames = in_fragments("it is an attack, and more of it", 16);
    ASSERT_EQ(frames.size(), 3u);
    EXPECT_EQ(in(frames[0]), Fate::held);
    EXPECT_EQ(in(frames[2]), Fate::held);
    EXPECT_EQ(in(frames[1]), Fate::drop);
    EXPECT_TRUE(sent.empty());
    EXPECT_EQ(events.size(), 1u);
    EXPECT_EQ(engine->fragments().datagrams(), 0u);
}

TEST_F(EngineTest, AWrongChecksumOfADatagramInFragmentsIsSeen) {
    auto frames = in_fragments("harmless, in two parts", 16);
    frames[1].back() ^= 1;
    EXPECT_EQ(in(frames[0]), Fate::held);
    EXPECT_EQ(in(frames[1]), Fate::drop);
    EXPECT_EQ(tally(DW_TALLY_CHECKSUM), 1u);
}

TEST_F(EngineTest, AFlowFoundCleanStillGetsTheRestOfItsDatagram) {
    const auto frames = in_fragments("harmless, in two parts", 16);
    EXPECT_EQ(in(frames[0]), Fate::held);
    world.flow_at(last_outcome.flow).inspect |= DW_INSPECT_CLEAN;
    EXPECT_EQ(in(frames[1]), Fate::held);
    EXPECT_EQ(sent.size(), 2u);
}

TEST_F(EngineTest, FragmentsAreForgottenAfterAMinuteAndBounded) {
    begin_engine({.datagrams = 2});
    EXPECT_EQ(in(in_fragments("one, in two parts", 16, 1)[0]), Fate::held);
    EXPECT_EQ(in(in_fragments("two, in two parts", 16, 2)[0]), Fate::held);
    EXPECT_EQ(in(in_fragments("six, in two parts", 16, 3)[0]), Fate::drop)
        << "nobody younger than a second goes";
    EXPECT_EQ(tally(DW_TALLY_UNSCANNABLE), 1u);
    EXPECT_EQ(in(in_fragments("two, in two parts", 16, 2)[1]), Fate::held) << "an older one goes on";
    EXPECT_EQ(sent.size(), 2u);
    world.wait(std::chrono::seconds(59));
    engine->tick(world.clock_ns());
    EXPECT_EQ(engine->fragments().datagrams(), 1u);
    world.wait(std::chrono::seconds(1));
    engine->tick(world.clock_ns());
    EXPECT_EQ(engine->fragments().datagrams(), 0u);
    EXPECT_EQ(engine->fragments().bytes(), 0u);
}

}  // namespace
}  // namespace dishwall::test
