// SPDX-License-Identifier: BSD-3-Clause
//
// What became of one packet: the packet core's verdict, or the inspector's where the core handed the packet
// to it.
#pragma once

#include <cstdint>

#include "bpf/core/reason.h"

namespace dishwall {

enum class ReplayVerdict : std::uint8_t {
    accept,
    drop,
    reject,
    hold,  // a fragment that the inspector keeps until its datagram is whole; the last one's verdict is all's
};

// Reasons that only the inspector has stand behind the packet core's; its names are in bpf/core/reason.h.
enum ReplayReason : std::uint8_t {
    kInspectConflict = 128,  // other bytes than were seen in their place
    kInspectUnscannable,     // could not be searched, and the rule's on-failure drops
    kInspectChecksum,        // a wrong checksum
    kInspectStray,           // of no flow that is inspected
    kInspectHeld,            // see ReplayVerdict::hold
};

struct ReplayDecision {
    static constexpr std::uint32_t kNoRule = 0xffffffff;

    ReplayVerdict verdict = ReplayVerdict::drop;
    std::uint8_t reason = DW_REASON_INTERNAL;  // enum dw_reason, or ReplayReason
    std::uint32_t rule = kNoRule;              // its index, as rule_at() counts
    std::uint32_t flow = 0;                    // its id; 0: none

    // Of how it is counted: everything but the flow.
    [[nodiscard]] std::uint64_t key() const {
        return std::uint64_t{rule} << 16 | std::uint64_t{reason} << 8 | static_cast<std::uint8_t>(verdict);
    }
};

[[nodiscard]] const char* to_string(ReplayVerdict verdict);  // "accept"
[[nodiscard]] const char* reason_name(std::uint8_t reason);  // "rule-accept", "inspect-conflict"

}  // namespace dishwall
