// SPDX-License-Identifier: BSD-3-Clause
//
// The flow table that the programs keep, as the inspector sees it: it looks flows up, reads what the programs
// know of them, and says what it found in one word, dw_flow.inspect. Programs on other CPUs write flows
// meanwhile and give their slots to others, so nothing here is believed without the flow's key.
#pragma once

#include <cstdint>
#include <optional>

#include "bpf/core/native.h"
#include "dataplane/engine/engine_config.h"

namespace dishwall {

[[nodiscard]] bool operator==(const dw_flow_key& a, const dw_flow_key& b);

// One flow, as long as its slot is not given to another: its id, its key and when it was opened.
struct FlowName {
    std::uint32_t id = 0;
    dw_flow_key key{};
    std::uint64_t first_seen = 0;  // jiffies

    [[nodiscard]] friend bool operator==(const FlowName& a, const FlowName& b) {
        return a.id == b.id && a.first_seen == b.first_seen && a.key == b.key;
    }
};

class FlowTable {
public:
    explicit FlowTable(const EngineTables& tables);

    // Walks a frame as the programs do. False: it cannot be walked.
    [[nodiscard]] bool look(const std::uint8_t* frame, std::uint32_t length, bool inbound, dw_sight* sight);

    [[nodiscard]] FlowName name(const dw_sight& sight) const;
    // DW_INSPECT_*
    [[nodiscard]] std::uint32_t word(std::uint32_t id) const;
    [[nodiscard]] std::uint32_t rule(std::uint32_t id) const;
    // The last byte of the peer that our side acknowledged, when the programs saw where its numbers begin.
    [[nodiscard]] std::optional<std::uint32_t> acknowledged(std::uint32_t id) const;
    // Has the peer shown that it hears us?
    [[nodiscard]] bool is_established(std::uint32_t id) const;
    // Is it still in its slot, and in which enum dw_timeout?
    [[nodiscard]] std::optional<unsigned> timeout_class(const FlowName& flow) const;

    // Sets DW_INSPECT_CLEAN or DW_INSPECT_ENDED, if the flow is still there and still inspected with this
    // set. True when it was this call that did.
    bool mark(const FlowName& flow, std::uint16_t set, std::uint32_t bit);

private:
    [[nodiscard]] bool is_there(const FlowName& flow) const;
    [[nodiscard]] dw_flow& flow(std::uint32_t id) const { return memory_.flows[id - 1]; }

    dw_memory memory_{};
};

}  // namespace dishwall
