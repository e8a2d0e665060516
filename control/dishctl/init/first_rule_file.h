// SPDX-License-Identifier: BSD-3-Clause
//
// A first rule file for a machine, from what was seen of it. It is meant to be read and edited: every line
// says what it is made of. Nothing comes in that did not before somebody decided so: what listens here is
// proposed as rules behind a `#`, and `audit` rules count what would have been meant. Pure.
#pragma once

#include <string>

#include "control/dishctl/init/machine_view.h"

namespace dishwall {

// Passes `dishctl check`, whatever was seen.
[[nodiscard]] std::string first_rule_file(const MachineView& machine);

}  // namespace dishwall
