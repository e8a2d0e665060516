// SPDX-License-Identifier: BSD-3-Clause
#include "control/flow_reader.h"

#include <algorithm>
#include <atomic>

namespace dishwall {
namespace {

// The program renews a word's time only now and then; tag, status, class and timeout name the flow.
constexpr std::uint64_t kNamePart = ~std::uint64_t{DW_SLOT_TIME_MASK};

std::uint64_t idle_since(std::uint64_t then, std::uint64_t now) {
    const std::uint64_t idle = (now - then) & DW_SLOT_TIME_MASK;
    const bool in_the_future = idle >> (DW_SLOT_TIME_BITS - 1) != 0;  // written since `now` was read
    return in_the_future ? 0 : idle;
}

bool has_status_live(std::uint64_t word) { return (word >> DW_SLOT_STATUS_SHIFT & 3) == DW_SLOT_LIVE; }

std::uint64_t timeout_of(std::uint64_t word, const FlowTimes& times) {
    const std::size_t kind = word >> DW_SLOT_TIMEOUT_SHIFT & (DW_TIMEOUTS - 1);
    return std::uint64_t{times.timeout_s[kind]} * times.hz;
}

bool is_live(std::uint64_t word, const FlowTimes& times) {
    return has_status_live(word) && idle_since(word, times.now) <= timeout_of(word, times);
}

// Calls `take(index, slot, word)` for each live flow. What it will read of the flows is asked for some lines ahead:
// they are twice as far apart as what is read of them, and the hardware does not guess that.
template <typename Take>
void for_each_live(const FlowTable& table, const FlowTimes& times, const Take& take) {
    constexpr std::size_t kAhead = 2;
    for (std::size_t line = 0; line < table.slots.size(); ++line) {
        if (line + kAhead < table.slots.size())
            for (unsigned way = 0; way < DW_WAYS; ++way)
                __builtin_prefetch(&table.flows[(line + kAhead) * DW_WAYS + way].in);
        for (unsigned way = 0; way < DW_WAYS; ++way) {
            const std::atomic_ref<__u64> slot(table.slots[line].word[way]);
            const std::uint64_t word = slot.load(std::memory_order_acquire);
            if (is_live(word, times)) take(line * DW_WAYS + way, slot, word);
        }
    }
}

std::size_t count_live(std::span<const dw_slots> slots, const FlowTimes& times) {
    std::size_t count = 0;
    for (const dw_slots& line : slots)
        count += static_cast<std::size_t>(
            std::ranges::count_if(line.word, [&](std::uint64_t word) { return is_live(word, times); }));
    return count;
}

// After a copy of the flow: is it still the one that `word` spoke of?
bool is_still(std::atomic_ref<__u64> slot, std::uint64_t word) {
    std::atomic_thread_fence(std::memory_order_acquire);
    return ((slot.load(std::memory_order_relaxed) ^ word) & kNamePart) == 0;
}

}  // namespace

FlowDump read_flows(const FlowTable& table, const FlowTimes& times, std::size_t limit) {
    FlowDump dump;
    dump.flows.reserve(std::min(limit, count_live(table.slots, times)));
    for_each_live(table, times, [&](std::size_t index, auto slot, std::uint64_t word) {
        ++dump.used;
        if (dump.flows.size() == limit) return;
        FlowSnapshot& snapshot = dump.flows.emplace_back();
        snapshot.flow = table.flows[index];
        if (!is_still(slot, word)) return dump.flows.pop_back();
        snapshot.worth = static_cast<dw_class>(word >> DW_SLOT_CLASS_SHIFT & 3);
        snapshot.idle = idle_since(snapshot.flow.last_seen, times.now);
        snapshot.timeout = timeout_of(word, times);
    });
    return dump;
}

void read_counters(const FlowTable& table, const FlowTimes& times, std::vector<FlowCounters>* counters) {
    counters->clear();
    for_each_live(table, times, [&](std::size_t index, auto slot, std::uint64_t word) {
        const dw_flow& flow = table.flows[index];
        const FlowCounters copy{static_cast<std::uint32_t>(index),
                                static_cast<std::uint16_t>(word >> DW_SLOT_TAG_SHIFT), flow.in, flow.out};
        if (is_still(slot, word)) counters->push_back(copy);
    });
}

}  // namespace dishwall
