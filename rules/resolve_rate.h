// SPDX-License-Identifier: BSD-3-Clause
//
// `rate 200/s burst 400 per source/64` -> Rate. What the data plane can keep is checked here: it counts in
// ns, and its clock ticks every 10 ms, so a bucket has to hold what arrives within a tick.
#pragma once

#include <optional>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/policy.h"

namespace dishwall {

// Empty when something was reported.
[[nodiscard]] std::optional<Rate> resolve_rate(const ast::Rate& rate, Diagnostics* diagnostics);

}  // namespace dishwall
