// SPDX-License-Identifier: BSD-3-Clause
//
// Replies of the daemon -> text for people. Pure: the width, the colours and the time come in with `View`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "control/dishctl/table.h"

namespace dishwall {

[[nodiscard]] std::string status_view(const nlohmann::json& reply, const View& view);
[[nodiscard]] std::string prefix_view(const nlohmann::json& reply, const View& view);
// `all`: also what never counted a packet.
[[nodiscard]] std::string counters_view(const nlohmann::json& reply, const View& view, bool all);
// Of the rules alone.
[[nodiscard]] std::string rule_counters_view(const nlohmann::json& reply, const View& view);
[[nodiscard]] std::string explain_view(const nlohmann::json& reply, const View& view);

}  // namespace dishwall
