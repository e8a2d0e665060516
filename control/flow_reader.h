// SPDX-License-Identifier: BSD-3-Clause
//
// A snapshot of the flow table, read straight from the memory that the programs work on: one pass over the dense
// index, and of the flows only those that live. Nothing is locked and nobody is asked: a flow is taken only if its
// slot's word names it, live, before and after the copy, so that it is never half one flow and half its successor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bpf/core/layout.h"

namespace dishwall {

// Both sides of the table, as mapped. Flow `i` is that of slot `i % DW_WAYS` of line `i / DW_WAYS`.
struct FlowTable {
    std::span<dw_slots> slots;
    std::span<dw_flow> flows;

    [[nodiscard]] std::size_t bytes() const { return slots.size_bytes() + flows.size_bytes(); }
    [[nodiscard]] FlowTable bucket(std::size_t index) const {
        return {slots.subspan(index, 1), flows.subspan(index * DW_WAYS, DW_WAYS)};
    }
};

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
[[nodiscard]] FlowDump read_flows(const FlowTable& table, const FlowTimes& times, std::size_t limit);

// What a flow has counted, without who it is: that does not change while it lives, so whoever wants it asks once.
struct FlowCounters {
    std::uint32_t flow = 0;  // its number in the table
    std::uint16_t tag = 0;   // of its slot: another one is another flow with this number
    dw_counter in{}, out{};
};

// Of all live flows, into `counters`, which is emptied first; its memory is used again.
void read_counters(const FlowTable& table, const FlowTimes& times, std::vector<FlowCounters>* counters);

}  // namespace dishwall
