// SPDX-License-Identifier: BSD-3-Clause
//
// Which of the interfaces in a foreign rule set is the uplink, and what a match for interfaces says of the
// others. A wrong guess would let strangers in by the LAN's rules, so it is guessed only by what cannot well
// mean a LAN.
#pragma once

#include <string>
#include <vector>

#include "control/dishctl/import/ruleset.h"

namespace dishwall::import {

// `wanted` when it is given. Empty: the rules name no interface but lo. Fails when it cannot be told.
[[nodiscard]] Result<std::string> choose_uplink(const ForeignRuleset& rules, const std::string& wanted);

// All others, without lo and wildcards: LANs first, then in alphabetical order.
[[nodiscard]] std::vector<std::string> interfaces_behind(const ForeignRuleset& rules,
                                                         const std::string& uplink);

// Is this interface among the names, negated or not?
[[nodiscard]] bool names_interface(const InterfaceMatch& match, const std::string& interface);

// What the match says of an end behind this machine. False: it cannot be said.
[[nodiscard]] bool add_inside(const InterfaceMatch& match, const std::string& uplink, End* end);

}  // namespace dishwall::import
