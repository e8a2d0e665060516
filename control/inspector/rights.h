// SPDX-License-Identifier: BSD-3-Clause
//
// Capabilities belong to a thread, and a thread inherits its maker's: what is made before they are dropped
// keeps them.
#pragma once

#include "rules/result.h"

namespace dishwall {

// This thread, and all that it makes from now on, has no capability and cannot get one.
[[nodiscard]] Result<void> drop_rights();

}  // namespace dishwall
