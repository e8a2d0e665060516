// SPDX-License-Identifier: BSD-3-Clause
//
// What the programs see of an inspector, set by hand: no process is behind it.
#pragma once

#include <cstdint>

#include "bpf/core/layout.h"

namespace dishwall::test {

enum class Inspector {
    none,    // nobody ever was there
    works,
    stale,   // it came round last a second ago
    behind,  // more is on the way to it than its ring takes
};

inline constexpr std::uint32_t kInspectorPort = 1;  // the loopback device: it is there wherever a test runs

// Called before each packet, since time goes by.
inline void show(Inspector state, std::uint64_t now_ns, dw_inspection* inspection) {
    inspection->workers = state == Inspector::none ? 0 : 1;
    inspection->port[0] = kInspectorPort;
    inspection->uplink = kInspectorPort;
    dw_worker& worker = inspection->worker[0];
    // In the future, so that it does not matter how long a busy machine keeps the packet waiting.
    worker.beat_ns = state == Inspector::stale ? now_ns - 1'000'000'000 : now_ns + 3'600'000'000'000;
    worker.taken = worker.given - (state == Inspector::behind ? DW_INSPECT_BACKLOG : 0);
}

}  // namespace dishwall::test
