// SPDX-License-Identifier: BSD-3-Clause
//
// A snapshot of the flow table, read straight from the memory that the programs work on (a copy of 1M flows
// takes 5 ms, measurements.md). Nothing is locked: a flow is taken only if its slot's word names it, live,
// before and after the copy, so that it is never half one flow and half its successor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bpf/core/layout.h"

namespace dishwall {

// What a slot's word means at this time.
struct FlowTimes {
    std::uint64_t now = 0;  // jiffies
    std::uint32_t hz = 0;
    std::span<const __u32, DW_TIMEOUTS> timeout_s;  // of the image in force
};

struct FlowSnapshot {
    dw_flow flow{};
    dw_class worth = DW_OUTSIDE_EMBRYONIC;
    std::uint64_t idle = 0;     // jiffies since its last packet
    std::uint64_t timeout = 0;  // jiffies of idleness after which it is forgotten

    [[nodiscard]] bool established() const { return worth < DW_INSIDE_EMBRYONIC; }
};

struct FlowDump {
    std::vector<FlowSnapshot> flows;  // in table order
    std::uint64_t used = 0;           // live flows in the table, whether listed or not
};

// At most `limit` flows are copied; all are counted.
[[nodiscard]] FlowDump read_flows(std::span<dw_bucket> table, const FlowTimes& times, std::size_t limit);

}  // namespace dishwall
