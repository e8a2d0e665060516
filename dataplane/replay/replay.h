// SPDX-License-Identifier: BSD-3-Clause
//
// A capture, packet by packet, through one rule file, or through two of them side by side. Pure but for the
// clock of the capture: frames come in, a report comes out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/replay/differences.h"
#include "dataplane/replay/replay_side.h"

namespace dishwall {

struct ReplayTotals {
    std::uint64_t in = 0, out = 0;  // packets
    std::uint64_t bytes = 0;
    std::int64_t first_ns = 0, last_ns = 0;  // since 1970; the earliest and the latest

    [[nodiscard]] std::uint64_t packets() const { return in + out; }
};

class Replay {
public:
    // Which way a frame went is told by `line`, that of `now`.
    Replay(ReplaySide now, const Line& line) : now_(std::move(now)), line_(line) {}
    // Beside it: what would change. Before the first frame.
    void compare_with(ReplaySide then, Differences differences);

    // Fails when more becomes ours than tables hold.
    [[nodiscard]] Result<void> add(const CapturedFrame& frame);

    [[nodiscard]] const ReplayTotals& totals() const { return totals_; }
    [[nodiscard]] const ReplaySide& now() const { return now_; }
    [[nodiscard]] const std::optional<ReplaySide>& then() const { return then_; }
    [[nodiscard]] const std::optional<Differences>& differences() const { return differences_; }

private:
    void note(const CapturedFrame& frame, Direction direction);

    ReplaySide now_;
    const Line& line_;
    std::optional<ReplaySide> then_;
    std::optional<Differences> differences_;
    ReplayTotals totals_;
};

}  // namespace dishwall
