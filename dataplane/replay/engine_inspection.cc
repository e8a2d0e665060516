// SPDX-License-Identifier: BSD-3-Clause
//
// The engine of dishwall-inspect, fed by hand: one worker, whose clock is the capture's.
#include <algorithm>
#include <array>

#include "dataplane/engine/engine.h"
#include "dataplane/replay/inspection.h"
#include "rules/lower.h"

namespace dishwall {
namespace {

// What the engine says about a frame that it did not let through.
struct Refusal {
    dw_tally tally;
    std::uint8_t reason;
};
constexpr std::array kRefusals{
    Refusal{DW_TALLY_MATCHED, DW_REASON_SIGNATURE}, Refusal{DW_TALLY_CONFLICT, kInspectConflict},
    Refusal{DW_TALLY_UNSCANNABLE, kInspectUnscannable}, Refusal{DW_TALLY_CHECKSUM, kInspectChecksum},
    Refusal{DW_TALLY_STRAY, kInspectStray}};
using Tallies = std::array<std::uint64_t, kRefusals.size()>;

EngineTables tables_of(const ReplayCore& core) {
    const dw_memory& memory = core.memory();
    EngineTables tables{memory.settings.bucket_mask,
                        memory.settings.hz,
                        {},
                        memory.slots,
                        memory.flows,
                        memory.inspection,
                        0};
    std::copy(std::begin(memory.settings.secret), std::end(memory.settings.secret), tables.secret.begin());
    return tables;
}

class EngineInspection final : public ReplayInspection, FrameSender, InspectEventSink {
public:
    EngineInspection(const Policy& policy, const ReplayCore& core, EngineConfig config)
        : policy_(policy), core_(core), engine_(tables_of(core), {}, *this, *this) {
        engine_.configure(std::move(config));
    }

    void inspect(const CapturedFrame& frame, Direction direction, ReplayDecision* decision) override {
        current_ = &frame;
        scratch_.assign(frame.bytes.begin(), frame.bytes.end());
        const dw_inspection& seen = *core_.memory().inspection;
        if (direction == Direction::inbound &&
            scratch_.size() >= 6)  // so the engine tells the directions apart
            std::copy_n(seen.mac[0], 6, scratch_.begin());
        const auto length = static_cast<std::uint32_t>(scratch_.size());
        const Tallies before = tallies();
        engine_.tick(core_.clock_ns());
        judge(engine_.inspect({scratch_.data(), length, length}, core_.clock_ns()), before, decision);
        report_.bytes = engine_.scanned().bytes;
    }
    [[nodiscard]] const InspectionReport& report() const override { return report_; }

private:
    [[nodiscard]] Tallies tallies() const {
        Tallies now;
        for (std::size_t i = 0; i < now.size(); ++i)
            now[i] = core_.memory().inspection->worker[0].tally[kRefusals[i].tally];
        return now;
    }
    void judge(Fate fate, const Tallies& before, ReplayDecision* decision) {
        if (fate == Fate::forward) return;
        if (fate == Fate::held && sent_ == 0) {
            decision->verdict = ReplayVerdict::hold;
            decision->reason = kInspectHeld;
        }
        if (fate == Fate::drop) {
            decision->verdict = ReplayVerdict::drop;
            const Tallies now = tallies();
            const auto risen = std::mismatch(now.begin(), now.end(), before.begin()).first;
            decision->reason = risen == now.end()
                                   ? std::uint8_t{kInspectStray}
                                   : kRefusals[static_cast<std::size_t>(risen - now.begin())].reason;
        }
        sent_ = 0;
    }

    // Resets, errors, and the fragments of a datagram that was found clean: all of them go on with the last
    // one.
    bool send(std::span<const std::uint8_t>) override {
        ++sent_;
        return true;
    }
    void report(const InspectEvent& event) override {
        if (event.kind != InspectEvent::Kind::match) return;
        ++report_.matched;
        if (report_.matches.size() == InspectionReport::kMatchesMost) return;
        const auto set = std::ranges::find(policy_.signatures, event.set, &Signatures::id);
        const Rule* rule =
            event.rule == DW_NO_RULE ? nullptr : rule_at(policy_, ReplayCore::rule_index(event.rule));
        report_.matches.push_back({.packet = current_->number,
                                   .time_ns = current_->time_ns,
                                   .signatures = set == policy_.signatures.end() ? "" : set->name,
                                   .id = event.signature,
                                   .rule = rule == nullptr ? "" : rule->name,
                                   .action = event.action,
                                   .direction = event.inbound ? Direction::inbound : Direction::outbound,
                                   .proto = event.proto,
                                   .source = event.source,
                                   .destination = event.destination,
                                   .source_port = event.sport,
                                   .destination_port = event.dport,
                                   .banned_s = event.banned_s});
    }

    const Policy& policy_;
    const ReplayCore& core_;
    Engine engine_;
    FrameBytes scratch_;
    InspectionReport report_;
    const CapturedFrame* current_ = nullptr;
    unsigned sent_ = 0;
};

}  // namespace

Result<std::unique_ptr<ReplayInspection>> make_inspection(const Policy& policy, const ReplayCore& core) {
    EngineConfig config;
    for (const Signatures& one : policy.signatures) {
        Result<LoadedSignatures> loaded = load_signatures(one.name, one.path, *one.text, nullptr);
        if (!loaded) return fail_with(loaded.error(), "signatures " + one.name);
        config.signatures[one.id] =
            std::make_shared<const InspectedSignatures>(InspectedSignatures{.set = std::move(loaded->set),
                                                                            .on_match = one.on_match,
                                                                            .ban_s = one.ban_s,
                                                                            .clean_after = one.clean_after,
                                                                            .id = one.id});
    }
    return std::make_unique<EngineInspection>(policy, core, std::move(config));
}

}  // namespace dishwall
