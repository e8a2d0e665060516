// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs that ask what would be: to a packet, to those of a capture, to the traffic of the next minute
// under another rule file. Nothing changes by them.
#pragma once

#include "control/dishctl/verbs.h"

namespace dishwall {

[[nodiscard]] int run_explain(const Invocation& invocation);
[[nodiscard]] int run_shadow(const Invocation& invocation);

}  // namespace dishwall
