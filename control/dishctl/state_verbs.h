// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs that show what is: the daemon's state, the line, this machine. None but `unload` and what
// `prefix` tells changes anything.
#pragma once

#include "control/dishctl/verbs.h"

namespace dishwall {

[[nodiscard]] int run_status(const Invocation& invocation);
[[nodiscard]] int run_flows(const Invocation& invocation);
[[nodiscard]] int run_counters(const Invocation& invocation);
[[nodiscard]] int run_prefix(const Invocation& invocation);
[[nodiscard]] int run_hosts(const Invocation& invocation);
[[nodiscard]] int run_monitor(const Invocation& invocation);
[[nodiscard]] int run_audit(const Invocation& invocation);
[[nodiscard]] int run_doctor(const Invocation& invocation);
[[nodiscard]] int run_unload(const Invocation& invocation);
[[nodiscard]] int run_version(const Invocation& invocation);

}  // namespace dishwall
