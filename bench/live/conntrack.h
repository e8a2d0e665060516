// SPDX-License-Identifier: BSD-3-Clause
//
// Empties conntrack of a namespace, as `conntrack -F` does. Its table has one size for the whole machine
// (nf_conntrack_max), which a row with a new flow per packet would reach within a few repeats.
#pragma once

#include "bench/live/netns.h"

namespace dishwall::bench {

[[nodiscard]] Result<void> flush_conntrack(const NetworkNamespace& where);

}  // namespace dishwall::bench
