// SPDX-License-Identifier: BSD-3-Clause
//
// The document of a replay -> text for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "control/dishctl/table.h"

namespace dishwall {

[[nodiscard]] std::string replay_view(const nlohmann::json& document, const View& view);

}  // namespace dishwall
