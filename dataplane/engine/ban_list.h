// SPDX-License-Identifier: BSD-3-Clause
//
// Who sent a signature and may open nothing for a while: written here, read by the programs for each new
// flow.
#pragma once

#include <cstdint>

#include "bpf/core/layout.h"

namespace dishwall {

// Until `until_ns` (CLOCK_MONOTONIC), or later if it is banned for longer already. In a full line the ban
// that ends first makes way. Several workers may call it at once. False: such a source cannot be banned
// (IPv4).
bool ban(dw_inspection* inspection, const dw_in6& source, std::uint64_t now_ns, std::uint64_t until_ns);

}  // namespace dishwall
