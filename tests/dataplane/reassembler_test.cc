// SPDX-License-Identifier: BSD-3-Clause
//
// One behaviour each, by name; that all of them together are right is for stream_model_test.cc. The ways to
// evade inspection by segments are those of Ptacek and Newsham (1998) and of later TCP fields.
#include "dataplane/streams/reassembler.h"

#include <gtest/gtest.h>

#include <new>

#include "tests/dataplane/stream_fixture.h"

namespace dishwall::test {
namespace {

TEST(Reassembler, TakesBytesInOrderAtOnce) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "GET "), kForward);
    EXPECT_EQ(s.sink.text, "GET ");
    EXPECT_EQ(s.data(4, "/"), kForward);
    EXPECT_EQ(s.sink.text, "GET /");
    EXPECT_EQ(s.stream.taken_bytes(), 5u);
}

TEST(Reassembler, DataOutOfOrderGoesOnAndIsTakenWithTheGap) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(2, "cd"), kForward);
    EXPECT_EQ(s.data(6, "gh"), kForward);
    EXPECT_EQ(s.sink.text, "");
    EXPECT_EQ(s.data(0, "ab"), kForward);
    EXPECT_EQ(s.sink.text, "abcd");
    EXPECT_EQ(s.data(4, "ef"), kForward);
    EXPECT_EQ(s.sink.text, "abcdefgh");
}

TEST(Evasion, APatternAcrossSegmentsIsStoppedBeforeItsLastByte) {
    TestStream s;
    s.sink.forbidden = "attack";
    EXPECT_EQ(s.syn(), kForward);
    for (std::uint32_t i = 0; i < 5; ++i)
        EXPECT_EQ(s.data(i, std::string_view("attac").substr(i, 1)), kForward);
    EXPECT_EQ(s.data(5, "k"), kStopped);
    EXPECT_EQ(s.data(5, "k"), kStopped) << "an equal copy neither";
    EXPECT_EQ(s.data(0, "attack"), kStopped);
    EXPECT_EQ(s.data(6, "other"), kStopped);
}

TEST(Evasion, APatternInWrongOrderIsStoppedAtTheGapFiller) {
    TestStream s;
    s.sink.forbidden = "attack";
    EXPECT_EQ(s.syn(), kForward);
    for (const std::uint32_t at : {5, 3, 1, 4, 2})
        EXPECT_EQ(s.data(at, std::string_view("attack").substr(at, 1)), kForward);
    EXPECT_EQ(s.data(0, "a"), kStopped);
}

TEST(Evasion, ARetransmissionWithOtherContentIsDropped) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "harmless"), kForward);
    EXPECT_EQ(s.data(0, "attack!!"), kConflict);
    EXPECT_EQ(s.data(0, "harmless"), kForward) << "the first copy may be lost";
    EXPECT_EQ(s.sink.text, "harmless");
}

TEST(Evasion, AnOverlapThatRewritesTheEndIsDroppedWhole) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "abcd"), kForward);
    EXPECT_EQ(s.data(2, "cXef"), kConflict);
    EXPECT_EQ(s.data(2, "cdef"), kForward);
    EXPECT_EQ(s.sink.text, "abcdef");
}

TEST(Evasion, OverlapsOutOfOrderKeepTheFirstCopy) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(4, "efgh"), kForward);
    EXPECT_EQ(s.data(2, "cdEF"), kConflict);
    EXPECT_EQ(s.data(7, "HI"), kConflict);
    EXPECT_EQ(s.data(2, "cdefghij"), kForward);
    EXPECT_EQ(s.data(0, "abXd"), kConflict) << "the gap filler differs from what waits behind it";
    EXPECT_EQ(s.data(0, "ab"), kForward);
    EXPECT_EQ(s.sink.text, "abcdefghij");
}

TEST(Evasion, ASegmentThatTheReceiverNeverGetsCannotBeReplaced) {
    // A low hop limit, an old timestamp, a bad option: forwarded, and not acknowledged.
    TestStream s;
    s.sink.forbidden = "attack";
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "att"), kForward);
    s.ack(3);
    EXPECT_EQ(s.data(3, "xxx"), kForward);
    EXPECT_EQ(s.data(3, "ack"), kConflict);
}

TEST(Evasion, UrgentDataStaysInTheStream) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    const StreamAnswer answer = s.urgent(0, "aXb");
    EXPECT_EQ(answer.decision, Decision::forward);
    EXPECT_TRUE(answer.clear_urgent) << "or the receiver reads `ab`";
    EXPECT_EQ(s.sink.text, "aXb");
    EXPECT_TRUE(s.urgent(9, "late").clear_urgent);
    EXPECT_TRUE(s.urgent(3, "").clear_urgent) << "the pointer alone can announce it";
}

TEST(Evasion, DataBehindTheEndIsDropped) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.fin(4), kForward) << "out of order";
    EXPECT_EQ(s.data(2, "cde"), kConflict);
    EXPECT_EQ(s.fin(3), kConflict) << "another end";
    EXPECT_FALSE(s.stream.ended());
    EXPECT_EQ(s.data(0, "abcd"), kForward);
    EXPECT_TRUE(s.stream.ended());
    EXPECT_EQ(s.sink.text, "abcd.");
    EXPECT_EQ(s.fin(4), kForward) << "sent again";
    EXPECT_EQ(s.data(4, "e"), kConflict);
    EXPECT_EQ(s.sink.text, "abcd.");
}

TEST(Evasion, AnEndBeforeWhatWasSeenIsDropped) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(4, "efg"), kForward);
    EXPECT_EQ(s.fin(4), kConflict);
    EXPECT_EQ(s.data(0, "abcd"), kForward);
    EXPECT_EQ(s.sink.text, "abcdefg");
}

TEST(Evasion, AnotherSynIsDropped) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.syn(), kForward) << "the same one again";
    EXPECT_EQ(s.stream.segment({5000, {}, true}), kConflict);
    EXPECT_EQ(s.data(0, "abc"), kForward);
    EXPECT_EQ(s.sink.text, "abc");
}

TEST(Evasion, AResetDoesNotMakeTheStreamForget) {
    TestStream s;
    s.sink.forbidden = "attack";
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "att"), kForward);
    EXPECT_EQ(s.rst(7), kForward);
    EXPECT_FALSE(s.stream.ended()) << "receivers challenge it";
    EXPECT_EQ(s.rst(3), kForward);
    EXPECT_TRUE(s.stream.ended());
    EXPECT_EQ(s.data(3, "ack"), kStopped) << "the reset may have been lost";
}

TEST(Reassembler, SequenceNumbersWrap) {
    TestStream s(0xfffffffd);
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(4, "efgh"), kForward);
    EXPECT_EQ(s.data(0, "abcd"), kForward);
    s.ack(8);
    EXPECT_EQ(s.data(0, "XXXX"), kForward) << "acknowledged: the receiver ignores it";
    EXPECT_EQ(s.data(8, "ij"), kForward);
    EXPECT_EQ(s.sink.text, "abcdefghij");
}

TEST(Reassembler, SixGigabytesPassTheWrapTwice) {
    TestStream s(0xfffffff0);
    EXPECT_EQ(s.syn(), kForward);
    const std::string part(1 << 20, 'x');
    std::uint32_t at = 0;
    for (int i = 0; i < 6;
         ++i) {  // 1 MiB in order, then jumps by the acknowledgement: 1 GiB passed elsewhere
        ASSERT_EQ(s.data(at, part).decision, Decision::forward);
        at += 1 << 30;
        s.ack(at);
    }
    ASSERT_EQ(s.data(at, "end"), kGap);
    EXPECT_TRUE(s.sink.text.ends_with("|end"));
}

TEST(Reassembler, DataInTheSynIsTaken) {  // RFC 7413
    TestStream s;
    EXPECT_EQ(s.syn("fast"), kForward);
    EXPECT_EQ(s.data(0, "fast open"), kForward) << "without a cookie it is sent again";
    EXPECT_EQ(s.data(0, "slow"), kConflict);
    EXPECT_EQ(s.sink.text, "fast open");
}

TEST(Reassembler, KeepAlivesAndWindowProbesPass) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "abcd"), kForward);
    s.ack(4);
    EXPECT_EQ(s.data(3, ""), kForward);
    EXPECT_EQ(s.data(3, std::string_view("\0", 1)), kForward) << "one old byte of garbage";
    EXPECT_EQ(s.data(4, "e"), kForward) << "a probe of a closed window with a new byte";
    EXPECT_EQ(s.data(4, "e"), kForward);
    EXPECT_EQ(s.data(4, "efg"), kForward);
    EXPECT_EQ(s.sink.text, "abcdefg");
}

TEST(Reassembler, WhatIsNotKeptAnyMoreCannotBeVerified) {
    TestStream s(0, {.kept_bytes = 4, .out_of_order_bytes = 16});
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "abcdefgh"), kForward);
    EXPECT_EQ(s.data(0, "abcdefgh"), kUnverifiable);
    EXPECT_EQ(s.data(4, "efgh"), kForward);
    s.ack(4);
    EXPECT_EQ(s.data(0, "abcdefgh"), kForward) << "the receiver has the rest";
}

TEST(Reassembler, TooFarAheadIsDropped) {
    TestStream s(0, {.kept_bytes = 16, .out_of_order_bytes = 8});
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(4, "efgh"), kForward);
    EXPECT_EQ(s.data(8, "i"), kBeyond);
    EXPECT_EQ(s.fin(9), kBeyond);
    EXPECT_EQ(s.data(0, "abcd"), kForward);
    EXPECT_EQ(s.data(8, "i"), kForward);
    EXPECT_EQ(s.sink.text, "abcdefghi");
}

TEST(Reassembler, BytesThatPassedElsewhereLeaveAGap) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "abcd"), kForward);
    EXPECT_EQ(s.data(8, "ijkl"), kForward);
    s.ack(4);
    EXPECT_EQ(s.data(12, "m"), kForward) << "waited for";
    s.ack(13);
    EXPECT_EQ(s.data(13, "n"), kGap);
    EXPECT_EQ(s.sink.text, "abcd|ijklmn");
    EXPECT_EQ(s.data(4, "efgh"), kForward) << "old";
}

TEST(PickUp, BeginsWithTheFirstSegment) {
    TestStream s;
    EXPECT_EQ(s.data(100, ""), kForward);
    EXPECT_FALSE(s.stream.started());
    EXPECT_EQ(s.data(100, "abc"), kForward);
    EXPECT_EQ(s.data(103, "def"), kForward);
    EXPECT_EQ(s.sink.text, "abcdef");
}

TEST(PickUp, TakesAnOvertakenSegmentBeforeIt) {
    TestStream s;
    s.sink.forbidden = "attack";
    EXPECT_EQ(s.data(103, "ack"), kForward);
    EXPECT_EQ(s.data(95, "..."), kUnverifiable) << "not adjacent";
    EXPECT_EQ(s.data(100, "att"), kStopped);
    EXPECT_EQ(s.sink.text, "ack|attack");
}

TEST(PickUp, LetsNothingOverAGapUntilTheStartIsCertain) {
    TestStream s;
    EXPECT_EQ(s.data(0, "old"), kForward) << "a copy of what the receiver has, for all we know";
    EXPECT_EQ(s.data(100, "attack"), kUnverifiable) << "the receiver could read this at once";
    s.ack(100);
    EXPECT_EQ(s.data(100, "attack"), kGap);
    EXPECT_EQ(s.sink.text, "old|attack");
}

TEST(PickUp, KnowsWhatWasAcknowledgedBefore) {
    TestStream s;
    s.ack(103);
    EXPECT_EQ(s.data(103, "def"), kForward);
    EXPECT_EQ(s.data(100, "abc"), kForward) << "old";
    EXPECT_EQ(s.data(108, "ij"), kForward) << "the start is certain";
    EXPECT_EQ(s.sink.text, "def");
}

TEST(PickUp, RewindsAFewTimesOnly) {
    TestStream s;
    EXPECT_EQ(s.data(100, "x"), kForward);
    for (std::uint32_t i = 1; i <= 8; ++i) EXPECT_EQ(s.data(100 - i, "x"), kForward);
    EXPECT_EQ(s.data(91, "x"), kUnverifiable);
}

TEST(Reassembler, ASinkThatIsUnableGivesTheStreamUp) {
    TestStream s;
    s.sink.unable = true;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "a"), kGivenUp);
    EXPECT_EQ(s.data(0, "a"), kGivenUp);
    EXPECT_EQ(s.memory.used_bytes(), 0u);
}

}  // namespace
}  // namespace dishwall::test
