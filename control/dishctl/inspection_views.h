// SPDX-License-Identifier: BSD-3-Clause
//
// Inspection -> text for people: the lines of `status`. Pure, as views.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "control/dishctl/table.h"

namespace dishwall {

// "" when no policy has inspected yet.
[[nodiscard]] std::string inspection_fields(const nlohmann::json& inspection, const View& view);
// Of an inspector whose state is `failed` though not all of its workers are: "worker 1 of 2 has failed". ""
// when none of them works.
[[nodiscard]] std::string failed_workers(const nlohmann::json& inspection);
// How to start what inspects, for `status` and the doctor.
[[nodiscard]] std::string how_to_inspect(const nlohmann::json& inspection);

}  // namespace dishwall
