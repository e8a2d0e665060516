// SPDX-License-Identifier: BSD-3-Clause
//
// The egress program as a clsact filter, for kernels before 6.6. Its handle and priority are fixed, so that a
// later daemon finds it and replaces the program in place. Priority 1: nobody's filter decides before it.
#pragma once

#include "rules/result.h"

namespace dishwall {

[[nodiscard]] Result<void> attach_egress_filter(unsigned ifindex, int program_fd);
// Returns whether there was one. The clsact qdisc stays: others may use it, and empty it does nothing.
[[nodiscard]] Result<bool> detach_egress_filter(unsigned ifindex);

}  // namespace dishwall
