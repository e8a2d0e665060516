// SPDX-License-Identifier: BSD-3-Clause
//
// What an engine has to say about a flow, for the daemon's log. Said on the worker's thread: whoever listens
// must not make it wait.
#pragma once

#include <cstdint>

#include "bpf/core/layout.h"
#include "rules/policy.h"

namespace dishwall {

struct InspectEvent {
    enum class Kind : std::uint8_t {
        match,
        conflict,      // other bytes than were seen in their place; dropped
        unverifiable,  // bytes that cannot be compared with what was seen in their place; dropped
        gap,           // the receiver has bytes that never came by here
        unscannable,   // the rule's on-failure holds for the rest of the flow
    };

    Kind kind = Kind::match;
    Signatures::OnMatch action = Signatures::OnMatch::drop;
    std::uint16_t set = 0;        // DW_INSPECT_SIGNATURES
    std::uint32_t signature = 0;  // its ID in the file; 0 unless something matched
    std::uint32_t rule = DW_NO_RULE;
    std::uint8_t proto = 0;
    bool inbound = true;             // the direction of the packet
    dw_in6 source{}, destination{};  // of the packet
    std::uint16_t sport = 0, dport = 0;
    std::uint32_t banned_s = 0;  // 0: it was not
};

[[nodiscard]] constexpr const char* name_of(InspectEvent::Kind kind) {
    constexpr const char* kNames[] = {"match", "conflict", "unverifiable", "gap", "unscannable"};
    return kNames[static_cast<unsigned>(kind)];
}

class InspectEventSink {
public:
    virtual ~InspectEventSink() = default;
    virtual void report(const InspectEvent& event) = 0;
};

}  // namespace dishwall
