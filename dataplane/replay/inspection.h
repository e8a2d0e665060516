// SPDX-License-Identifier: BSD-3-Clause
//
// What dishwall-inspect would do with the packets that rules send to it: its own engine, on the replay's
// tables. This header needs no Hyperscan; whether there is an engine behind it is the build's decision.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bpf/core/layout.h"
#include "dataplane/replay/capture.h"
#include "dataplane/replay/decision.h"
#include "dataplane/replay/replay_core.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct ReplayMatch {
    std::uint64_t packet = 0;  // its number
    std::int64_t time_ns = 0;  // since 1970
    std::string signatures;    // "exploits"
    std::uint32_t id = 0;      // in their file
    std::string rule;
    Signatures::OnMatch action = Signatures::OnMatch::drop;
    Direction direction = Direction::inbound;
    std::uint8_t proto = 0;
    dw_in6 source{}, destination{};
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint32_t banned_s = 0;  // 0: its source was not
};

struct InspectionReport {
    static constexpr std::size_t kMatchesMost = 1000;
    std::vector<ReplayMatch> matches;  // the first ones
    std::uint64_t matched = 0;         // all of them
    std::uint64_t bytes = 0;           // searched
};

class ReplayInspection {
public:
    virtual ~ReplayInspection() = default;
    // Of a packet with the core's reason DW_REASON_INSPECT; the decision's verdict and reason become the
    // inspector's.
    virtual void inspect(const CapturedFrame& frame, Direction direction, ReplayDecision* decision) = 0;
    [[nodiscard]] virtual const InspectionReport& report() const = 0;
};

// Compiles the signatures that rules of the policy name; both are referenced. Fails with a line for each bad
// pattern, or because this build has no engine.
[[nodiscard]] Result<std::unique_ptr<ReplayInspection>> make_inspection(const Policy& policy,
                                                                        const ReplayCore& core);

}  // namespace dishwall
