// SPDX-License-Identifier: BSD-3-Clause
//
// One rule file in a replay: its packet core, the line as it sees it, the inspector when there is one, and
// what its packets came to. Two of these side by side are fed the same frames to compare two files.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "dataplane/replay/capture.h"
#include "dataplane/replay/decision.h"
#include "dataplane/replay/flow_ledger.h"
#include "dataplane/replay/inspection.h"
#include "dataplane/replay/line.h"
#include "dataplane/replay/replay_core.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct ReplayRow {
    ReplayDecision decision;  // without a flow
    std::uint64_t packets = 0, bytes = 0;
};

class ReplaySide {
public:
    // `policy` and `line` are referenced. Fails when the policy does not fit into an image.
    [[nodiscard]] static Result<ReplaySide> make(const Policy& policy, Line& line);
    // Searches what rules send to be inspected; without this such packets pass, counted as `inspect`. Before
    // the first packet. Fails as make_inspection() does.
    [[nodiscard]] Result<void> search_signatures();

    [[nodiscard]] const Policy& policy() const { return *policy_; }
    // Time goes by until this frame. Before `judge`.
    [[nodiscard]] Result<void> meet(const CapturedFrame& frame);
    [[nodiscard]] Result<ReplayDecision> judge(const CapturedFrame& frame, Direction direction);

    [[nodiscard]] std::vector<ReplayRow> most_first() const;
    [[nodiscard]] FlowTotals flows() const;
    [[nodiscard]] FlowLedger& ledger() { return ledger_; }
    // Null: none was asked for.
    [[nodiscard]] const ReplayInspection* inspection() const { return inspection_.get(); }

private:
    ReplaySide(const Policy& policy, Line& line, std::unique_ptr<ReplayCore> core);

    [[nodiscard]] ReplayDecision decide(const CapturedFrame& frame, Direction direction);
    void count(const CapturedFrame& frame, const ReplayDecision& decision);

    const Policy* policy_;
    Line* line_;
    std::unique_ptr<ReplayCore> core_;
    std::unique_ptr<ReplayInspection> inspection_;
    FlowLedger ledger_;
    std::unordered_map<std::uint64_t, ReplayRow> rows_;  // by ReplayDecision::key
    ReplayRow* last_row_ = nullptr;                      // of the packet before: most are of one kind
};

}  // namespace dishwall
