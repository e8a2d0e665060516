// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/decision.h"

namespace dishwall {

const char* to_string(ReplayVerdict verdict) {
    constexpr const char* kNames[] = {"accept", "drop", "reject", "hold"};
    return kNames[static_cast<unsigned>(verdict)];
}

const char* reason_name(std::uint8_t reason) {
    switch (reason) {
#define DW_REASON_NAME(identifier, number, name, text) \
    case number:                                       \
        return name;
        DW_REASONS(DW_REASON_NAME)
#undef DW_REASON_NAME
        case kInspectConflict:
            return "inspect-conflict";
        case kInspectUnscannable:
            return "inspect-unscannable";
        case kInspectChecksum:
            return "inspect-checksum";
        case kInspectStray:
            return "inspect-stray";
        case kInspectHeld:
            return "inspect-held";
    }
    return "unknown";
}

}  // namespace dishwall
