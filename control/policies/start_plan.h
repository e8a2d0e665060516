// SPDX-License-Identifier: BSD-3-Clause
//
// What a daemon that starts puts in force: the rule file, as ever, or a policy of the store, because
// somebody's way back depends on it. Pure, so that every case is a line of a test.
//
//   unconfirmed, same boot, time left      it goes on, with the time that is left
//   unconfirmed, same boot, too late       the former one: the deadline passed while no daemon ran
//   unconfirmed, another boot              the former one: whoever reboots a box that he cannot reach wants
//   it back the file's texts were taken back       the one in force, until somebody edits the file or loads
//   it anything else                          the rule file
#pragma once

#include <chrono>
#include <string>

#include "control/policies/policy_store.h"

namespace dishwall {

struct StartPlan {
    unsigned stored = 0;  // the policy of the store to start; 0: the rule file
    PolicyBy by = PolicyBy::start;
    Standing standing;  // from now on, but for the number of a policy that is new
    std::string why;    // for the log; empty when there is nothing out of the ordinary
};

// Before the rule file is looked at. `boottime`: CLOCK_BOOTTIME.
[[nodiscard]] StartPlan plan_start(const Standing& standing, const std::string& boot,
                                   std::chrono::nanoseconds boottime);
// The rule file has the texts of policy `refused`.
[[nodiscard]] StartPlan plan_instead_of(const Standing& standing, unsigned refused, const std::string& file);

// The unconfirmed policy is taken back: what stands then. `in_force` is the one gone back to, until it has a
// number of its own.
[[nodiscard]] Standing reverted(Standing standing);

}  // namespace dishwall
