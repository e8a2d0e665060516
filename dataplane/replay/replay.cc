// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/replay.h"

#include <algorithm>

namespace dishwall {

void Replay::compare_with(ReplaySide then, Differences differences) {
    then_.emplace(std::move(then));
    differences_.emplace(std::move(differences));
}

void Replay::note(const CapturedFrame& frame, Direction direction) {
    if (totals_.packets() == 0) totals_.first_ns = totals_.last_ns = frame.time_ns;
    totals_.first_ns = std::min(totals_.first_ns, frame.time_ns);
    totals_.last_ns = std::max(totals_.last_ns, frame.time_ns);
    ++(direction == Direction::inbound ? totals_.in : totals_.out);
    totals_.bytes += frame.on_wire;
}

Result<void> Replay::add(const CapturedFrame& frame) {
    if (Result<void> met = now_.meet(frame); !met) return met;
    const Direction direction = line_.direction_of(frame);
    note(frame, direction);
    const Result<ReplayDecision> now = now_.judge(frame, direction);
    if (!now) return tl::unexpected(now.error());
    if (!then_) return {};
    if (Result<void> met = then_->meet(frame); !met) return met;
    const Result<ReplayDecision> then = then_->judge(frame, direction);
    if (!then) return tl::unexpected(then.error());
    differences_->add(frame, direction, *now, *then, &now_.ledger(), &then_->ledger());
    return {};
}

}  // namespace dishwall
