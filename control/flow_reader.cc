// SPDX-License-Identifier: BSD-3-Clause
#include "control/flow_reader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

namespace dishwall {
namespace {

// The program renews a word's time only now and then, and its guests are others' business; tag, status, class
// and timeout name the flow.
constexpr std::uint64_t kNamePart = ~std::uint64_t{DW_SLOT_TIME_MASK | DW_SLOT_GUESTS_MASK};

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

// Which slots of a line are live, a bit each. In a busy table that is one in two or three, so a branch on
// each would be guessed wrong as often as not.
unsigned live_ways(dw_slots& line, const FlowTimes& times) {
    unsigned ways = 0;
    for (unsigned way = 0; way < DW_WAYS; ++way) {
        const std::uint64_t word = std::atomic_ref(line.word[way]).load(std::memory_order_relaxed);
        const bool in_time = idle_since(word, times.now) <= timeout_of(word, times);
        ways |= static_cast<unsigned>(has_status_live(word) & in_time) << way;
    }
    return ways;
}

// The lowest way, which is taken out of `ways`.
unsigned next_way(unsigned& ways) {
    const auto way = static_cast<unsigned>(std::countr_zero(ways));
    ways &= ways - 1;
    return way;
}

// Calls `take(index, slot, word)` for each live flow. What it will read of them is asked for some lines
// ahead: they lie twice as far apart as what is read of them, and the hardware does not guess that.
template <typename Take>
void for_each_live(const FlowTable& table, const FlowTimes& times, const Take& take) {
    constexpr std::size_t kAhead = 8;
    std::array<unsigned, kAhead> asked_for{};  // ways of the last lines
    const std::size_t lines = table.slots.size();
    for (std::size_t ahead = 0; ahead < lines + kAhead; ++ahead) {
        for (unsigned ways = asked_for[ahead % kAhead]; ways != 0;) {
            const std::size_t line = ahead - kAhead, way = next_way(ways);
            const std::atomic_ref<__u64> slot(table.slots[line].word[way]);
            const std::uint64_t word = slot.load(std::memory_order_acquire);
            if (is_live(word, times)) take(line * DW_WAYS + way, slot, word);
        }
        const unsigned live = ahead < lines ? live_ways(table.slots[ahead], times) : 0;
        asked_for[ahead % kAhead] = live;
        for (unsigned ways = live; ways != 0;)
            __builtin_prefetch(&table.flows[ahead * DW_WAYS + next_way(ways)].in);
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
