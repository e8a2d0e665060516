// SPDX-License-Identifier: BSD-3-Clause
//
// The doctor's judgements on what comes over the line and what follows it: advertisements, delegation,
// routes, names and records. The machine itself is judged in doctor_checks.cc, where the table is, too.
#pragma once

#include "control/dishctl/doctor_checks.h"

namespace dishwall {

[[nodiscard]] std::optional<Finding> judge_accept_ra(const MachineFacts& machine);
[[nodiscard]] std::optional<Finding> judge_ra_age(const MachineFacts& machine);
[[nodiscard]] std::optional<Finding> judge_line(const MachineFacts& machine);
[[nodiscard]] std::optional<Finding> judge_delegation(const MachineFacts& machine);
[[nodiscard]] std::optional<Finding> judge_networks(const MachineFacts& machine);
[[nodiscard]] std::optional<Finding> judge_dish_page(const MachineFacts& machine);
[[nodiscard]] std::optional<Finding> judge_dns_programs(const MachineFacts& machine);
[[nodiscard]] std::optional<Finding> judge_records(const MachineFacts& machine);
[[nodiscard]] std::optional<Finding> judge_hosts(const MachineFacts& machine);

}  // namespace dishwall
