// SPDX-License-Identifier: BSD-3-Clause
//
// A bulk transfer over a long fat line, satellite and all: two megabytes under way, losses on either side of
// the inspector, segments that overtake each other. The inspector must not be what it waits for.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "tests/dataplane/stream_fixture.h"

namespace dishwall::test {
namespace {

constexpr std::uint32_t kSegment = 1024, kSegments = 16384;  // 16 MiB
constexpr std::uint32_t kUnderWay = (2u << 20) / kSegment;
constexpr unsigned kTrip = 400, kJitter = 60, kPatience = 2 * kTrip;  // steps; one a segment at full rate
constexpr unsigned kLost = 100;  // one of so many, before the inspector, and as many behind it

// Sender, inspector and receiver, by the number of a segment.
class Line {
public:
    Line() : stream_(1000) { EXPECT_EQ(stream_.syn(), kForward); }

    // Until the receiver has all. The steps that took, or 0 when it never ends.
    unsigned run() {
        for (unsigned now = 1; now < 64 * kSegments; ++now) {
            if (acknowledged_ == kSegments) return now;
            send(now);
            for (auto at = on_the_way_.begin(); at != on_the_way_.end() && at->first <= now;
                 at = on_the_way_.erase(at))
                arrive(at->second);
            tell(now);
        }
        return 0;
    }
    TestStream& stream() { return stream_; }
    unsigned dropped = 0;
    std::size_t most_kept = 0;

private:
    static std::string payload_of(std::uint32_t number) {
        std::string payload(kSegment, 'x');
        for (std::uint32_t i = 0; i < kSegment; i += 4) std::memcpy(&payload[i], &number, 4);
        return payload;
    }
    bool is_lost() { return dice_() % kLost == 0; }

    // The first that is overdue, or else a new one when the window has room.
    void send(unsigned now) {
        std::uint32_t number = acknowledged_;
        while (number < sent_.size() && (got_[number] || now - sent_[number] < kPatience)) ++number;
        if (number == sent_.size()) {
            if (number == kSegments || number - acknowledged_ >= kUnderWay) return;
            sent_.push_back(now);
            got_.push_back(false);
        }
        sent_[number] = now;
        if (!is_lost()) on_the_way_.emplace(now + kTrip / 2 + dice_() % kJitter, number);
    }

    void arrive(std::uint32_t number) {
        const StreamAnswer answer = stream_.data(number * kSegment, payload_of(number));
        most_kept = std::max(most_kept, stream_.memory.used_bytes());
        if (answer.decision != Decision::forward) ++dropped;
        if (answer.decision == Decision::forward && !is_lost()) got_[number] = true;
    }

    // What the receiver has in a row, half a round trip later.
    void tell(unsigned now) {
        while (has_ < got_.size() && got_[has_]) ++has_;
        told_[now + kTrip / 2] = has_;
        const auto here = told_.find(now);
        if (here == told_.end() || here->second == acknowledged_) return;
        acknowledged_ = here->second;
        stream_.ack(acknowledged_ * kSegment);
        told_.erase(told_.begin(), here);
    }

    TestStream stream_;
    std::mt19937 dice_{7};
    std::multimap<unsigned, std::uint32_t> on_the_way_;  // to the inspector, by when it arrives
    std::map<unsigned, std::uint32_t> told_;
    std::vector<unsigned> sent_;  // when, last
    std::vector<bool> got_;
    std::uint32_t has_ = 0, acknowledged_ = 0;
};

TEST(LongLine, TwoMegabytesUnderWayDoNotWaitForTheInspector) {
    Line line;
    EXPECT_GT(line.run(), 0u) << "it stalls";
    EXPECT_EQ(line.dropped, 0u);
    EXPECT_EQ(line.stream().stream.taken_bytes(), std::uint64_t{kSegments} * kSegment);
    EXPECT_GT(line.most_kept, std::size_t{1} << 20) << "the test is too easy";
    EXPECT_EQ(line.stream().memory.used_bytes(), 0u) << "an idle stream holds none";
    const std::string& text = line.stream().sink.text;
    for (std::uint32_t number = 0; number < kSegments; ++number) {
        std::uint32_t stands = 0;
        std::memcpy(&stands, &text[std::size_t{number} * kSegment], 4);
        ASSERT_EQ(stands, number);
    }
}

TEST(LongLine, WhatAStreamHadUnderWayIsGivenBack) {
    StreamMemory memory({});
    ByteWindow window(memory);
    const std::string megabyte(1u << 20, 'x');
    for (std::uint64_t at = 0; at < 4; ++at) ASSERT_TRUE(window.store(at << 20, bytes_of(megabyte)));
    EXPECT_GE(window.own_bytes(), 2048 * sizeof(void*));
    window.release();
    EXPECT_LE(window.own_bytes(), 1024u);
    ASSERT_TRUE(window.store(std::uint64_t{5} << 20, bytes_of(megabyte)));
    EXPECT_TRUE(window.agrees(std::uint64_t{5} << 20, bytes_of(megabyte)));
}

}  // namespace
}  // namespace dishwall::test
