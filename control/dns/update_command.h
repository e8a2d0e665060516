// SPDX-License-Identifier: BSD-3-Clause
//
// An update as a program to run: nsupdate with its script (RFC 2136, signed with TSIG when there is a key),
// or the user's program with the change in its environment.
#pragma once

#include "control/dns/child.h"
#include "control/dns/update_plan.h"

namespace dishwall {

[[nodiscard]] Command command_for(const UpdateJob& job);
// What nsupdate says, for people: "the server refuses the key (BADKEY)".
[[nodiscard]] std::string explain_error(const UpdateJob& job, const std::string& error);

}  // namespace dishwall
