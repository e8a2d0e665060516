// SPDX-License-Identifier: BSD-3-Clause
//
// What a resolved policy says that its author cannot have meant: services on ports that never get through the
// carrier, and the dish's own /64 where a LAN is meant (warnings). Rules that are never reached are for
// check_shadows.h.
#pragma once

#include "rules/diagnostic.h"
#include "rules/resolve.h"

namespace dishwall {

void check(const Resolved& resolved, Diagnostics* diagnostics);

}  // namespace dishwall
