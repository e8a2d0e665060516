// SPDX-License-Identifier: BSD-3-Clause
//
// Names for messages, and the one secret that both executors hash with, so that flows land in equal slots.
#pragma once

#include <string>

#include "bpf/core/layout.h"
#include "bpf/core/reason.h"

namespace dishwall::test {

inline constexpr std::uint64_t kTestSecret = 0x9e3779b97f4a7c15;

inline std::string reason_name(unsigned reason) {
    switch (reason) {
#define DW_REASON_CASE(identifier, number, name, text) \
    case number:                                       \
        return name;
        DW_REASONS(DW_REASON_CASE)
#undef DW_REASON_CASE
    }
    return "reason " + std::to_string(reason);
}

inline std::string verdict_name(unsigned verdict) {
    return verdict == DW_ACCEPT ? "accept" : verdict == DW_DROP ? "drop" : verdict == DW_REJECT ? "reject" : "?";
}

}  // namespace dishwall::test
