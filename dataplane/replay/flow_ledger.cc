// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/flow_ledger.h"

#include <algorithm>
#include <cstring>

namespace dishwall {

void FlowLedger::note(std::uint32_t id, const dw_flow& flow) {
    Entry& entry = entries_[id - 1];
    const std::uint64_t packets = flow.in.packets + flow.out.packets;
    // One whose ports are used anew within a millisecond has the same key and time, and counts from one
    // again.
    const bool is_known = entry.first_seen == flow.first_seen && packets >= entry.packets &&
                          std::memcmp(&entry.key, &flow.key, sizeof(entry.key)) == 0;
    if (!is_known) {
        entry = {.key = flow.key, .first_seen = flow.first_seen, .packets = packets, .groups = {}};
        ++(flow.origin == DW_INSIDE ? inside_ : outside_);
    }
    entry.packets = packets;
}

bool FlowLedger::enters(std::uint32_t id, std::uint32_t group) {
    std::array<std::uint32_t, 4>& groups = entries_[id - 1].groups;
    if (std::ranges::find(groups, group) != groups.end()) return false;
    std::rotate(groups.begin(), groups.end() - 1, groups.end());
    groups.front() = group;
    return true;
}

}  // namespace dishwall
