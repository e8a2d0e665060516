// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs about rule files as texts: whether one is good, how it is laid out, what an error means, and how
// to come by a first one. None needs a daemon; all but reading other sockets' owners (`init`) and nft's own
// language (`import`) need no rights.
#pragma once

#include "control/dishctl/verbs.h"

namespace dishwall {

[[nodiscard]] int run_check(const Invocation& invocation);
[[nodiscard]] int run_fmt(const Invocation& invocation);
[[nodiscard]] int run_explain_error(const Invocation& invocation);
[[nodiscard]] int run_import(const Invocation& invocation);
[[nodiscard]] int run_init(const Invocation& invocation);

}  // namespace dishwall
