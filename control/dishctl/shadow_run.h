// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl shadow FILE --for 60s`: what would change if this rule file were in force, seen on the traffic of
// the next minute. The daemon compares (control/shadow/); here it is started, watched and shown. When dishctl
// is interrupted, the daemon stops by itself.
#pragma once

#include <chrono>
#include <string>

#include "control/dishctl/verbs.h"
#include "control/ipc/client.h"

namespace dishwall {

// kOk whether there are differences or not: scripts read -j. A bad file is the failure of a Load: BadInput
// with diagnostics. On a terminal a count is shown while it runs.
[[nodiscard]] tl::expected<ExitCode, CallFailure> shadow_run(const Invocation& invocation,
                                                             const std::string& file,
                                                             std::chrono::seconds length);

// The final report -> text.
[[nodiscard]] std::string shadow_view(const nlohmann::json& report, const View& view);

}  // namespace dishwall
