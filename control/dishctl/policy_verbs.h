// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs that put a policy in force, keep it, take it back, and compare: the daemon does it, and keeps
// every policy that was in force under a number.
#pragma once

#include "control/dishctl/verbs.h"

namespace dishwall {

[[nodiscard]] int run_load(const Invocation& invocation);
[[nodiscard]] int run_confirm(const Invocation& invocation);
[[nodiscard]] int run_rollback(const Invocation& invocation);
[[nodiscard]] int run_history(const Invocation& invocation);
[[nodiscard]] int run_diff(const Invocation& invocation);

}  // namespace dishwall
