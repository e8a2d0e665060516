// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl doctor`: every check on this machine, one line each, and what to do about what is wrong.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/dishctl/doctor_checks.h"
#include "control/dishctl/table.h"

namespace dishwall {

struct Examined {
    std::string name;
    Finding finding;
};

[[nodiscard]] std::vector<Examined> examine(const MachineFacts& machine);

[[nodiscard]] bool is_healthy(const std::vector<Examined>& all);  // warnings are none
[[nodiscard]] std::string doctor_view(const std::vector<Examined>& all, const View& view);
// {healthy, checks: [{name, result: "ok"|"warning"|"failed", text, todo: text or null}]}
[[nodiscard]] nlohmann::json doctor_document(const std::vector<Examined>& all);

}  // namespace dishwall
