// SPDX-License-Identifier: BSD-3-Clause
//
// What would change: packets on which two rule files decide otherwise, or by another rule, collected by who
// decides now and who would then.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/replay/capture.h"
#include "dataplane/replay/decision.h"
#include "dataplane/replay/flow_ledger.h"
#include "rules/policy.h"

namespace dishwall {

// A rule of a side, by the number of its name or, if it has none, of its meaning. Equal numbers are the same
// rule.
using RuleIdentities = std::vector<std::uint32_t>;

struct ReplayDifference {
    ReplayDecision now, then;
    std::uint64_t packets = 0, bytes = 0;
    std::uint64_t flows = 0;  // of the packets that belong to one, by either side
    // The first of its packets.
    std::uint64_t example = 0;
    FrameBytes example_frame;  // as much as its headers may take
    Direction example_direction = Direction::inbound;
};

class Differences {
public:
    static constexpr std::size_t kMost = 1000;

    Differences(RuleIdentities now, RuleIdentities then) : now_(std::move(now)), then_(std::move(then)) {}

    // A flow is known to the side that let its first packet in: `now_flows`, or else `then_flows`.
    void add(const CapturedFrame& frame, Direction direction, const ReplayDecision& now,
             const ReplayDecision& then, FlowLedger* now_flows, FlowLedger* then_flows);

    [[nodiscard]] std::vector<ReplayDifference> most_first() const;
    [[nodiscard]] std::uint64_t packets() const { return packets_; }
    // Packets with pairs of rules for which there was no room.
    [[nodiscard]] std::uint64_t unlisted() const { return unlisted_; }

private:
    struct Key {
        std::uint64_t now, then;
        bool operator==(const Key&) const = default;
    };
    struct HashOfKey {
        std::size_t operator()(const Key& key) const {
            return (key.now * 0x9e3779b97f4a7c15 ^ key.then) * 0xd6e8feb86659fd93;
        }
    };
    [[nodiscard]] bool is_same(const ReplayDecision& now, const ReplayDecision& then) const;

    RuleIdentities now_, then_;
    std::unordered_map<Key, std::uint32_t, HashOfKey> groups_;  // places in list_
    std::vector<ReplayDifference> list_;
    std::uint64_t packets_ = 0, unlisted_ = 0;
};

}  // namespace dishwall
