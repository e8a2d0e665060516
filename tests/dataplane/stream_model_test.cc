// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/dataplane/stream_play.h"
#include "tests/sanitized.h"

namespace dishwall::test {
namespace {

TEST(StreamsAndTheirModel, AreEqualOnRandomSchedules) {
    std::mt19937_64 random(20261123);
    Played all;
    for (int round = 0; round < 2'000 / kRandomRunsDividedBy; ++round) {
        std::vector<std::uint8_t> script(8 + random() % 300);
        for (std::uint8_t& byte : script) byte = static_cast<std::uint8_t>(random());
        const Played played = play_streams(script);
        ASSERT_EQ(played.wrong, "") << "round " << round;
        all.segments += played.segments;
        all.dropped += played.dropped;
        all.conflicts += played.conflicts;
        all.gaps += played.gaps;
        all.read += played.read;
    }
    // The schedules get somewhere.
    EXPECT_GT(all.read, all.segments);
    EXPECT_GT(all.dropped - all.conflicts, all.segments / 100);
    EXPECT_GT(all.conflicts, all.segments / 100);
    EXPECT_GT(all.gaps, 100u / kRandomRunsDividedBy);
    RecordProperty("segments", static_cast<int>(all.segments));
}

}  // namespace
}  // namespace dishwall::test
