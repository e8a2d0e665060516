// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl replay CAPTURE --config FILE`: what a rule file would have made of the packets of a capture, and
// what another one would change. Neither daemon nor kernel: dataplane/replay judges, here files are opened
// and the progress is shown.
#pragma once

#include "control/dishctl/verbs.h"

namespace dishwall {

// A damaged capture is reported as far as it is good, and fails.
[[nodiscard]] int run_replay(const Invocation& invocation);

}  // namespace dishwall
