// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/differences.h"

#include <algorithm>

namespace dishwall {
namespace {

constexpr std::size_t kHeadersMost = 256;

// Whoever has neither verdict nor rule in common differs; why a packet passed or not is no difference by
// itself.
std::uint64_t who_decides(const ReplayDecision& decision) {
    return std::uint64_t{decision.rule} << 8 | static_cast<std::uint8_t>(decision.verdict);
}

}  // namespace

bool Differences::is_same(const ReplayDecision& now, const ReplayDecision& then) const {
    if (now.verdict != then.verdict) return false;
    if (now.rule == ReplayDecision::kNoRule || then.rule == ReplayDecision::kNoRule)
        return now.rule == then.rule;
    return now_[now.rule] == then_[then.rule];
}

void Differences::add(const CapturedFrame& frame, Direction direction, const ReplayDecision& now,
                      const ReplayDecision& then, FlowLedger* now_flows, FlowLedger* then_flows) {
    if (is_same(now, then)) return;
    ++packets_;
    const Key key{who_decides(now), who_decides(then)};
    auto group = groups_.find(key);
    if (group == groups_.end()) {
        if (list_.size() == kMost) {
            ++unlisted_;
            return;
        }
        group = groups_.emplace(key, static_cast<std::uint32_t>(list_.size())).first;
        const std::size_t kept = std::min(frame.bytes.size(), kHeadersMost);
        list_.push_back(
            {.now = now,
             .then = then,
             .example = frame.number,
             .example_frame = {frame.bytes.begin(), frame.bytes.begin() + static_cast<std::ptrdiff_t>(kept)},
             .example_direction = direction});
    }
    ReplayDifference& one = list_[group->second];
    ++one.packets;
    one.bytes += frame.on_wire;
    const std::uint32_t number = group->second + 1;
    if (now.flow != 0)
        one.flows += now_flows->enters(now.flow, number) ? 1 : 0;
    else if (then.flow != 0)
        one.flows += then_flows->enters(then.flow, number) ? 1 : 0;
}

std::vector<ReplayDifference> Differences::most_first() const {
    std::vector<ReplayDifference> sorted = list_;
    std::ranges::stable_sort(sorted, std::greater<>(), &ReplayDifference::packets);
    return sorted;
}

}  // namespace dishwall
