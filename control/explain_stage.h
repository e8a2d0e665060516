// SPDX-License-Identifier: BSD-3-Clause
//
// Which step of a packet's way through the programs a reason belongs to.
#pragma once

#include <cstdint>

#include "bpf/core/reason.h"

namespace dishwall {

enum class Stage { headers, sanity, flow, policy, inspection, admission };  // in order

[[nodiscard]] constexpr Stage stage_of(std::uint8_t reason) {
    switch (reason) {
        case DW_REASON_FLOW:
        case DW_REASON_ICMP_ERROR:
        case DW_REASON_FRAGMENT:
        case DW_REASON_FRAGMENT_STRAY:
        case DW_REASON_FRAGMENT_OVERLAP:
        case DW_REASON_FRAGMENT_DISORDER:
        case DW_REASON_ICMP_NO_FLOW:
        case DW_REASON_ICMP_SEQUENCE:
        case DW_REASON_TCP_NO_FLOW:
        case DW_REASON_TCP_STATE:
        case DW_REASON_TCP_WINDOW:
        case DW_REASON_IPV4_UNSOLICITED:
            return Stage::flow;
        case DW_REASON_RULE_ACCEPT:
        case DW_REASON_RULE_DROP:
        case DW_REASON_RULE_REJECT:
        case DW_REASON_RULE_REJECT_LATE:
        case DW_REASON_DEFAULT_ACCEPT:
        case DW_REASON_DEFAULT_DROP:
        case DW_REASON_DEFAULT_REJECT:
        case DW_REASON_DEFAULT_REJECT_LATE:
        case DW_REASON_INDEPENDENT:
            return Stage::policy;
        case DW_REASON_INSPECT:
        case DW_REASON_INSPECT_CLEAN:
        case DW_REASON_INSPECT_AROUND:
        case DW_REASON_INSPECT_FAILED:
        case DW_REASON_SIGNATURE:
            return Stage::inspection;
        case DW_REASON_BANNED:
            return Stage::flow;
        case DW_REASON_FLOW_TABLE_FULL:
        case DW_REASON_FRAGMENT_TABLE_FULL:
        case DW_REASON_CHECKSUM:
        case DW_REASON_UNKNOWN_NEIGHBOUR:
            return Stage::admission;
        case DW_REASON_NO_POLICY:
        case DW_REASON_INTERNAL:
        case DW_REASON_ARP:
        case DW_REASON_IPV4_PASS:
        case DW_REASON_IPV4_DROP:
        case DW_REASON_ETHERTYPE_PASS:
            return Stage::headers;
        default:  // what is dropped for its form has numbers of its own
            return reason >= DW_REASON_TRUNCATED && reason < DW_REASON_SOURCE_MULTICAST ? Stage::headers
                                                                                        : Stage::sanity;
    }
}

// The policy, and nothing built in, decided.
[[nodiscard]] constexpr bool is_policy_reason(std::uint8_t reason) {
    return stage_of(reason) == Stage::policy && reason != DW_REASON_INDEPENDENT;
}

}  // namespace dishwall
