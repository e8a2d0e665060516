// SPDX-License-Identifier: BSD-3-Clause
//
// Packets and bytes for each reason and each rule. The kernel side counts in one block for each CPU, without
// locks; a total is the sum over the blocks.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bpf/core/layout.h"
#include "bpf/core/reason.h"
#include "control/kernel_maps.h"
#include "control/mapping.h"
#include "rules/result.h"

namespace dishwall {

struct ReasonInfo {
    std::uint8_t number = 0;
    const char* name = "";
    const char* text = "";
    bool accepts = false;  // its packets pass
};
[[nodiscard]] std::span<const ReasonInfo> all_reasons();
// Of a number that this build does not know: "unknown".
[[nodiscard]] const ReasonInfo& reason_info(std::uint8_t number);

struct Total {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

class CounterReader {
public:
    [[nodiscard]] static Result<CounterReader> open(const KernelMaps& maps, std::uint32_t cpus);

    // `id`: a reason's number or a rule's counter.
    [[nodiscard]] Total total(std::uint32_t id) const;
    // Only for ids that no rule in force uses.
    void zero(std::uint32_t id);

private:
    CounterReader(Mapping memory, std::uint32_t cpus) : memory_(std::move(memory)), cpus_(cpus) {}
    [[nodiscard]] dw_counter& counter(std::uint32_t cpu, std::uint32_t id) const {
        return memory_.as_array<dw_counter>(std::size_t{DW_COUNTERS} *
                                            cpus_)[std::size_t{cpu} * DW_COUNTERS + id];
    }

    Mapping memory_;
    std::uint32_t cpus_;
};

}  // namespace dishwall
