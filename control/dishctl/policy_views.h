// SPDX-License-Identifier: BSD-3-Clause
//
// What a load did, which policies were in force, how two of them differ: the daemon's replies -> text for
// people. Whoever loads with a deadline has to read here how to keep the policy and how to get rid of it.
// Pure, as views.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "control/dishctl/table.h"

namespace dishwall {

// Load and Rollback.
[[nodiscard]] std::string load_view(const nlohmann::json& reply, const View& view);
[[nodiscard]] std::string policies_view(const nlohmann::json& reply, const View& view);
[[nodiscard]] std::string diff_view(const nlohmann::json& reply, const View& view);

// Lines of `status`: the policy's number and its deadline; the feeds. Empty when there is nothing to say.
[[nodiscard]] std::string policy_fields(const nlohmann::json& status, const View& view);
[[nodiscard]] std::string feed_fields(const nlohmann::json& feeds, const View& view);

}  // namespace dishwall
