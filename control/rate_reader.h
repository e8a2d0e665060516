// SPDX-License-Identifier: BSD-3-Clause
//
// How full the token buckets of rules are, read from the memory that the programs work on and found by the
// programs' own hash (core_native). Reading spends nothing. `explain` shows it, and its evaluator asks it, so
// that both evaluators judge by the same state.
#pragma once

#include <cstdint>

#include "control/kernel_maps.h"
#include "control/mapping.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct RateState {
    std::uint32_t tokens_left = 0;  // packets that would pass in this moment
    std::uint32_t burst = 0;        // at most
    std::uint64_t full_in_ms = 0;   // if nothing comes meanwhile

    bool operator==(const RateState&) const = default;
};

// Of a bucket of this rate. `until_ns`: when it will be full; what lies in the past is full now.
[[nodiscard]] RateState state_of(const Rate& rate, std::uint64_t until_ns, std::uint64_t now_ns);

class RateReader {
public:
    // `settings` are those of the programs in force.
    [[nodiscard]] static Result<RateReader> open(const KernelMaps& maps, const dw_settings& settings);

    // Of this rule's bucket for a packet of this sender. `counter`: the rule's.
    [[nodiscard]] RateState read(const Rule& rule, std::uint32_t counter, const Ipv6Address& sender,
                                 std::uint64_t now_jiffies) const;

private:
    RateReader(Mapping rates, const dw_settings& settings) : rates_(std::move(rates)), settings_(settings) {}

    Mapping rates_;
    dw_settings settings_;
};

}  // namespace dishwall
