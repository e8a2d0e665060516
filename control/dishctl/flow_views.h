// SPDX-License-Identifier: BSD-3-Clause
//
// Flows and packets of the daemon's replies -> text for people: an endpoint is written the same way in the
// list of flows, in what a load would end and in what `monitor` shows. Pure, as in views.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "control/dishctl/table.h"

namespace dishwall {

// A list of flows as a table, the last one seen first.
[[nodiscard]] std::string flow_table(const nlohmann::json& flows, const View& view);
[[nodiscard]] std::string flows_view(const nlohmann::json& reply, const View& view);
[[nodiscard]] std::string event_view(const nlohmann::json& event, const View& view);

}  // namespace dishwall
