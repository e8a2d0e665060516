// SPDX-License-Identifier: BSD-3-Clause
//
// Which flows a replay saw. The packet core's table says only which are open now, and a slot is another
// flow's a moment later; so for each slot it is remembered which flow was last seen in it, and a flow counts
// once.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bpf/core/layout.h"

namespace dishwall {

struct FlowTotals {
    std::uint64_t inside = 0, outside = 0;  // opened, by origin
    std::uint64_t open = 0;                 // at the end of the capture
    std::uint64_t matched = 0;              // in which a signature was found

    [[nodiscard]] std::uint64_t total() const { return inside + outside; }
    [[nodiscard]] std::uint64_t ended() const { return total() - open; }
};

class FlowLedger {
public:
    explicit FlowLedger(std::size_t slots) : entries_(slots) {}

    // After a packet that belongs to the flow with this id, or opened it.
    void note(std::uint32_t id, const dw_flow& flow);
    // Is this the flow's first packet in `group`, which is not 0? Exact as long as a flow's packets fall into
    // four groups at most: a connection's two directions and a change of mind.
    [[nodiscard]] bool enters(std::uint32_t id, std::uint32_t group);

    [[nodiscard]] std::uint64_t inside() const { return inside_; }
    [[nodiscard]] std::uint64_t outside() const { return outside_; }

private:
    struct Entry {
        dw_flow_key key{};
        std::uint64_t first_seen = 0;
        std::uint64_t packets = 0;
        std::array<std::uint32_t, 4> groups{};  // the latest first
    };
    std::vector<Entry> entries_;
    std::uint64_t inside_ = 0, outside_ = 0;
};

}  // namespace dishwall
