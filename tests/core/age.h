// SPDX-License-Identifier: BSD-3-Clause
//
// Time for the kernel's tables: a test cannot move the kernel's clock, so it makes everything that is
// remembered older. The native core needs none of this, its clock stands still unless it is moved.
#pragma once

#include <cstdint>

#include "bpf/core/layout.h"

namespace dishwall::test {

// By so many jiffies.
inline void age_slots(__u64* slots, std::uint64_t jiffies) {
    for (unsigned way = 0; way < DW_WAYS; ++way)
        if (slots[way] != 0)
            slots[way] = (slots[way] & ~DW_SLOT_TIME_MASK) | ((slots[way] - jiffies) & DW_SLOT_TIME_MASK);
}

// What has been forgotten is forgotten, however old it would be.
inline void age_meter(__u64* meter, std::uint64_t jiffies, std::uint64_t hz) {
    const std::uint64_t time = jiffies * (1'000'000'000 / hz);
    *meter = *meter > time ? *meter - time : 0;
}

inline void age_rates(dw_rates* rates, std::uint64_t jiffies, std::uint64_t hz) {
    for (__u64& meter : rates->by_rule) age_meter(&meter, jiffies, hz);
    for (auto& line : rates->by_source)
        for (dw_source_meter& source : line) age_meter(&source.until, jiffies, hz);
}

inline void age_link(dw_link* link, std::uint64_t jiffies, std::uint64_t hz) {
    for (dw_router& router : link->router) {
        router.until -= jiffies;
        router.since -= jiffies;
    }
    for (__u64& meter : link->overall) age_meter(&meter, jiffies, hz);
    for (__u64& meter : link->by_source) age_meter(&meter, jiffies, hz);
    for (dw_late& late : link->late) late.since -= jiffies;
}

}  // namespace dishwall::test
