// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/replay_side.h"

#include <algorithm>

namespace dishwall {
namespace {

ReplayVerdict verdict_of(const dw_outcome& outcome) {
    switch (outcome.verdict) {
        case DW_ACCEPT:
            return ReplayVerdict::accept;
        case DW_REJECT:
            return ReplayVerdict::reject;
        default:
            return ReplayVerdict::drop;
    }
}

}  // namespace

ReplaySide::ReplaySide(const Policy& policy, Line& line, std::unique_ptr<ReplayCore> core)
    : policy_(&policy), line_(&line), core_(std::move(core)), ledger_(core_->flow_slots()) {
    constexpr std::size_t kUsualRows = 512;
    rows_.reserve(kUsualRows);
}

Result<ReplaySide> ReplaySide::make(const Policy& policy, Line& line) {
    auto core = ReplayCore::make(policy);
    if (!core) return tl::unexpected(core.error());
    if (const Result<void> done = (*core)->set_own(line.own()); !done) return tl::unexpected(done.error());
    return ReplaySide(policy, line, std::move(*core));
}

Result<void> ReplaySide::search_signatures() {
    auto made = make_inspection(*policy_, *core_);
    if (!made) return tl::unexpected(made.error());
    inspection_ = std::move(*made);
    return {};
}

Result<void> ReplaySide::meet(const CapturedFrame& frame) {
    core_->set_time(frame.time_ns);
    return line_->before(frame) ? core_->set_own(line_->own()) : Result<void>();
}

ReplayDecision ReplaySide::decide(const CapturedFrame& frame, Direction direction) {
    const dw_outcome outcome = core_->judge(direction, frame.bytes);
    ReplayDecision decision{
        .verdict = verdict_of(outcome),
        .reason = outcome.reason,
        .rule = outcome.rule == DW_NO_RULE ? ReplayDecision::kNoRule : ReplayCore::rule_index(outcome.rule),
        .flow = outcome.flow};
    if (outcome.flow != 0) ledger_.note(outcome.flow, core_->flow(outcome.flow));
    if (outcome.reason == DW_REASON_INSPECT && inspection_) inspection_->inspect(frame, direction, &decision);
    return decision;
}

Result<ReplayDecision> ReplaySide::judge(const CapturedFrame& frame, Direction direction) {
    const ReplayDecision decision = decide(frame, direction);
    count(frame, decision);
    const bool came_in = direction == Direction::inbound && decision.verdict == ReplayVerdict::accept;
    if (came_in && line_->passed(frame))
        if (const Result<void> done = core_->set_own(line_->own()); !done)
            return tl::unexpected(done.error());
    return decision;
}

void ReplaySide::count(const CapturedFrame& frame, const ReplayDecision& decision) {
    if (last_row_ == nullptr || last_row_->decision.key() != decision.key()) {
        last_row_ = &rows_[decision.key()];
        last_row_->decision = decision;
        last_row_->decision.flow = 0;
    }
    ++last_row_->packets;
    last_row_->bytes += frame.on_wire;
}

std::vector<ReplayRow> ReplaySide::most_first() const {
    std::vector<ReplayRow> rows;
    for (const auto& [key, row] : rows_) rows.push_back(row);
    std::ranges::sort(rows, [](const ReplayRow& a, const ReplayRow& b) {
        return a.packets != b.packets ? a.packets > b.packets : a.decision.key() < b.decision.key();
    });
    return rows;
}

FlowTotals ReplaySide::flows() const {
    return {.inside = ledger_.inside(),
            .outside = ledger_.outside(),
            .open = core_->open_flows(),
            .matched = inspection_ ? inspection_->report().matched : 0};
}

}  // namespace dishwall
