// SPDX-License-Identifier: BSD-3-Clause
#include "control/counter_reader.h"

#include <algorithm>
#include <array>
#include <atomic>

namespace dishwall {
namespace {

// reason.h: accepted packets have the numbers between the first such reason and the first that drops.

#define DW_REASON_INFO(identifier, number, name, text) ReasonInfo{number, name, text, dw_reason_accepts(number) != 0},
const ReasonInfo kReasons[] = {DW_REASONS(DW_REASON_INFO)};
#undef DW_REASON_INFO
constexpr ReasonInfo kUnknown{255, "unknown", "a reason that this version does not know", false};

std::uint64_t load(__u64& word) { return std::atomic_ref<__u64>(word).load(std::memory_order_relaxed); }

}  // namespace

std::span<const ReasonInfo> all_reasons() { return kReasons; }

const ReasonInfo& reason_info(std::uint8_t number) {
    const auto* found = std::find_if(std::begin(kReasons), std::end(kReasons),
                                     [&](const ReasonInfo& reason) { return reason.number == number; });
    return found == std::end(kReasons) ? kUnknown : *found;
}

Result<CounterReader> CounterReader::open(const KernelMaps& maps, std::uint32_t cpus) {
    Result<Mapping> memory =
        Mapping::of(maps.counters.get(), sizeof(dw_counter) * DW_COUNTERS * cpus, Mapping::Access::write);
    if (!memory) return fail_with(memory.error(), "counters");
    return CounterReader(std::move(*memory), cpus);
}

Total CounterReader::total(std::uint32_t id) const {
    Total sum;
    for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
        dw_counter& one = counter(cpu, id);
        sum.packets += load(one.packets);
        sum.bytes += load(one.bytes);
    }
    return sum;
}

void CounterReader::zero(std::uint32_t id) {
    for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
        dw_counter& one = counter(cpu, id);
        std::atomic_ref<__u64>(one.packets).store(0, std::memory_order_relaxed);
        std::atomic_ref<__u64>(one.bytes).store(0, std::memory_order_relaxed);
    }
}

}  // namespace dishwall
