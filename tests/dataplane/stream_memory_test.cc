// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/streams/stream_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/allocations.h"
#include "tests/dataplane/stream_fixture.h"

namespace dishwall::test {
namespace {

TEST(StreamMemory, GivesUpTheStreamUsedLongestAgo) {
    StreamMemory memory({.all_bytes = 3 * sizeof(Chunk)});
    TextSink sink;
    std::vector<std::unique_ptr<Reassembler>> streams;
    for (int i = 0; i < 4; ++i) {
        streams.push_back(std::make_unique<Reassembler>(memory, sink));
        EXPECT_EQ(streams.back()->segment({0, {}, true}), kForward);
    }
    for (const int i : {0, 1, 2}) EXPECT_EQ(streams[i]->segment({1, bytes_of("ab")}), kForward);
    EXPECT_EQ(streams[0]->segment({3, bytes_of("cd")}), kForward);
    EXPECT_EQ(memory.given_up(), 0u);
    EXPECT_EQ(streams[3]->segment({1, bytes_of("ab")}), kForward);
    EXPECT_EQ(memory.given_up(), 1u);
    EXPECT_EQ(streams[1]->segment({3, bytes_of("cd")}), kGivenUp);
    EXPECT_EQ(streams[0]->segment({5, bytes_of("ef")}), kForward);
    EXPECT_EQ(streams[2]->segment({3, bytes_of("cd")}), kForward);
}

TEST(StreamMemory, AStreamThatNeedsAllOfItIsGivenUpItself) {
    TestStream s(0, {.all_bytes = 2 * sizeof(Chunk)});
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, std::string(3 * kChunkBytes, 'x')), kGivenUp);
    EXPECT_EQ(s.memory.used_bytes(), 0u);
}

TEST(StreamMemory, AnAcknowledgedStreamHoldsNone) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    EXPECT_EQ(s.data(0, "abc"), kForward);
    EXPECT_EQ(s.memory.used_bytes(), sizeof(Chunk));
    s.ack(3);
    EXPECT_EQ(s.memory.used_bytes(), 0u);
}

TEST(StreamMemory, SingleBytesOutOfOrderCostNoMoreThanTheWindow) {
    TestStream s(0, {.kept_bytes = 0, .out_of_order_bytes = 16 * kChunkBytes});
    EXPECT_EQ(s.syn(), kForward);
    for (std::uint32_t at = 1; at < 16 * kChunkBytes; at += 2) ASSERT_EQ(s.data(at, "x"), kForward);
    EXPECT_EQ(s.memory.used_bytes(), 16 * sizeof(Chunk));
}

TEST(StreamMemory, AGreedyStreamLeavesHalfToTheOthers) {
    constexpr std::uint32_t kMegabyte = 1u << 20;
    TestStream s(
        0, {.kept_bytes = 4 * kMegabyte, .out_of_order_bytes = 4 * kMegabyte, .all_bytes = 4 * kMegabyte});
    EXPECT_EQ(s.syn(), kForward);
    const std::string segment(1024, 'x');
    std::uint32_t at = 1024;
    while (at < 4 * kMegabyte && s.data(at, segment) == kForward) at += 1024;
    EXPECT_EQ(s.data(at, segment), kBeyond);
    EXPECT_GT(at, 3 * kMegabyte / 2);
    EXPECT_LT(s.memory.used_bytes(), 9 * kMegabyte / 4);
    EXPECT_EQ(s.data(0, segment), kForward) << "what fills the gap";
    EXPECT_EQ(s.stream.taken_bytes(), at);
    EXPECT_EQ(s.data(at + (200u << 10), segment), kForward) << "a little ahead";
    EXPECT_EQ(s.memory.given_up(), 0u);
}

TEST(StreamMemory, NothingIsAllocatedForAPacket) {
    TestStream s;
    EXPECT_EQ(s.syn(), kForward);
    const std::string payload(1440, 'x');
    std::uint32_t at = 0;
    const auto send = [&](int packets) {
        for (int i = 0; i < packets; ++i, at += 2 * 1440) {
            EXPECT_EQ(s.data(at + 1440, payload).decision, Decision::forward);
            EXPECT_EQ(s.data(at, payload).decision, Decision::forward);
            if (i % 16 == 15) s.ack(at + 2 * 1440);
            s.sink.text.clear();
        }
    };
    send(64);
    const std::size_t before = allocations();
    send(1000);
    EXPECT_EQ(allocations(), before);
}

}  // namespace
}  // namespace dishwall::test
