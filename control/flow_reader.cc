// SPDX-License-Identifier: BSD-3-Clause
#include "control/flow_reader.h"

#include <atomic>
#include <optional>

namespace dishwall {
namespace {

// The program renews a word's time only now and then; tag, status, class and timeout name the flow.
constexpr std::uint64_t kNamePart = ~std::uint64_t{DW_SLOT_TIME_MASK};

std::uint64_t idle_since(std::uint64_t then, std::uint64_t now) {
    const std::uint64_t idle = (now - then) & DW_SLOT_TIME_MASK;
    const bool in_the_future = idle >> (DW_SLOT_TIME_BITS - 1) != 0;  // written since `now` was read
    return in_the_future ? 0 : idle;
}

bool is_live(std::uint64_t word) { return (word >> DW_SLOT_STATUS_SHIFT & 3) == DW_SLOT_LIVE; }

std::uint64_t timeout_of(std::uint64_t word, const FlowTimes& times) {
    const std::size_t kind = word >> DW_SLOT_TIMEOUT_SHIFT & (DW_TIMEOUTS - 1);
    return std::uint64_t{times.timeout_s[kind]} * times.hz;
}

std::optional<FlowSnapshot> copy_flow(const dw_flow& flow, std::atomic_ref<__u64> slot, std::uint64_t word,
                                      const FlowTimes& times) {
    FlowSnapshot snapshot;
    snapshot.flow = flow;
    std::atomic_thread_fence(std::memory_order_acquire);
    if (((slot.load(std::memory_order_relaxed) ^ word) & kNamePart) != 0) return std::nullopt;
    snapshot.worth = static_cast<dw_class>(word >> DW_SLOT_CLASS_SHIFT & 3);
    snapshot.idle = idle_since(snapshot.flow.last_seen, times.now);
    snapshot.timeout = timeout_of(word, times);
    return snapshot;
}

}  // namespace

FlowDump read_flows(std::span<dw_bucket> table, const FlowTimes& times, std::size_t limit) {
    FlowDump dump;
    for (dw_bucket& bucket : table) {
        for (unsigned way = 0; way < DW_WAYS; ++way) {
            const std::atomic_ref<__u64> slot(bucket.slot[way]);
            const std::uint64_t word = slot.load(std::memory_order_acquire);
            if (!is_live(word) || idle_since(word, times.now) > timeout_of(word, times)) continue;
            ++dump.used;
            if (dump.flows.size() == limit) continue;
            if (const auto snapshot = copy_flow(bucket.flow[way], slot, word, times))
                dump.flows.push_back(*snapshot);
        }
    }
    return dump;
}

}  // namespace dishwall
