// SPDX-License-Identifier: BSD-3-Clause
//
// A replay takes no memory for a packet, only for a row of its report: captures have hundreds of millions of
// packets.
#include <gtest/gtest.h>

#include "dataplane/replay/replay.h"
#include "tests/allocations.h"
#include "tests/control/capture_file.h"
#include "tests/core/conversation.h"
#include "tests/core/world.h"
#include "tests/dataplane/replay/replay_frames.h"

namespace dishwall::test {
namespace {

class SilentLine final : public Line {
public:
    bool before(const CapturedFrame&) override { return false; }
    bool passed(const CapturedFrame&) override { return false; }
    [[nodiscard]] Direction direction_of(const CapturedFrame& frame) const override {
        return (frame.number & 1) != 0 ? Direction::inbound : Direction::outbound;
    }
    [[nodiscard]] const Own& own() const override { return own_; }

private:
    Own own_ = world_own();
};

TEST(ReplayMemory, NothingIsTakenButForANewRow) {
    Traffic traffic(11);
    std::vector<TimedFrame> frames;
    for (std::int64_t i = 0; i < 3000; ++i)
        frames.push_back({traffic.next().frame, kBegin_ns + i * 1'000'000});
    const CaptureFile file;
    file.write_timed(frames);
    const Policy policy = read_or_throw(kWorldRules);
    SilentLine line;
    Result<ReplaySide> side = ReplaySide::make(policy, line);
    ASSERT_TRUE(side);
    Replay replay(std::move(*side), line);
    CapturedFrame frame;
    std::size_t taken = 0, new_rows = 0;
    for (int pass = 0; pass < 2; ++pass) {  // the second time the flows are known
        Result<Capture> capture =
            Capture::open(file.path(), {.most = 65535, .what = Mending::What::what_capturing_did});
        ASSERT_TRUE(capture);
        const std::size_t rows = replay.now().most_first().size(), before = allocations();
        while (capture->next(&frame).value()) ASSERT_TRUE(replay.add(frame));
        taken = allocations() - before;
        new_rows = replay.now().most_first().size() - rows;
    }
    EXPECT_EQ(replay.totals().packets(), 6000u);
    EXPECT_LT(new_rows, 5u);
    EXPECT_EQ(taken, new_rows);
}

}  // namespace
}  // namespace dishwall::test
