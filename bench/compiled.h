// SPDX-License-Identifier: BSD-3-Clause
//
// A bench's own rule text, read and compiled as the daemon does it, and the moment of the line it is judged
// in.
#pragma once

#include <string>

#include "rules/lower.h"
#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall::bench {

// Fails with the front end's diagnostics. `feed`: the text of any feed that the rules name.
[[nodiscard]] Result<Policy> policy_of(const std::string& rules, const std::string& feed = {});
[[nodiscard]] Result<CompiledImage> image_of(const Policy& policy);
// The delegation of bench/published.h is preferred.
[[nodiscard]] Own own_of_the_gateway();

}  // namespace dishwall::bench
