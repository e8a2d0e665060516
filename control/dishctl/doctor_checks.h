// SPDX-License-Identifier: BSD-3-Clause
//
// What dishwall needs of a machine and of a line, one line of a table a check: pure judgements on what was
// read (machine_facts.h). A finding that is not good says what to do. A check that has nothing to look at,
// because nothing names an uplink or no daemon can be asked, says nothing: another one already did.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "control/dishctl/machine_facts.h"

namespace dishwall {

enum class Health { ok, warning, failed };

struct Finding {
    Health health = Health::ok;
    std::string text;  // what is
    std::string todo;  // empty when it is good
};

[[nodiscard]] inline Finding good(std::string text) { return {Health::ok, std::move(text), {}}; }
[[nodiscard]] inline Finding warn(std::string text, std::string todo) {
    return {Health::warning, std::move(text), std::move(todo)};
}
[[nodiscard]] inline Finding bad(std::string text, std::string todo) {
    return {Health::failed, std::move(text), std::move(todo)};
}

struct DoctorCheck {
    const char* name;
    std::optional<Finding> (*judge)(const MachineFacts& machine);
};

[[nodiscard]] std::span<const DoctorCheck> doctor_checks();

}  // namespace dishwall
