// SPDX-License-Identifier: BSD-3-Clause
//
// What a resolved policy says that its author cannot have meant: rules that an earlier one leaves nothing
// for (an error), services on ports that never get through the carrier, and the dish's own /64 where a LAN
// is meant (warnings).
#pragma once

#include "rules/diagnostic.h"
#include "rules/resolve.h"

namespace dishwall {

void check(const Resolved& resolved, Diagnostics* diagnostics);

}  // namespace dishwall
