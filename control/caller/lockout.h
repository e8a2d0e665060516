// SPDX-License-Identifier: BSD-3-Clause
//
// Would this policy lock somebody out? The connections that the caller sits on, and what the `protect` lines
// of the policy in force promise, are asked of a candidate before it is loaded.
#pragma once

#include <string>
#include <vector>

#include "control/caller/caller_connection.h"
#include "rules/own.h"
#include "rules/policy.h"

namespace dishwall {

// One sentence for each connection that comes through the uplink, is let in by `now`, and would not be by
// `then`. Rates are not asked: they are for flows that begin. `own`: as `now` numbers it.
[[nodiscard]] std::vector<std::string> cut_connections(const std::vector<TcpConnection>& connections,
                                                       const Own& own, const Policy& now, const Policy& then);

// One for each protected packet of `now`, and of `then` itself, that `then` refuses.
[[nodiscard]] std::vector<std::string> broken_protection(const Policy& now, const Policy& then);

}  // namespace dishwall
