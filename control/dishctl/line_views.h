// SPDX-License-Identifier: BSD-3-Clause
//
// What follows the line -> text for people: the line itself, learnt hosts, DNS records, what changed. Pure,
// as views.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "control/dishctl/table.h"

namespace dishwall {

// Replies of their own.
[[nodiscard]] std::string hosts_view(const nlohmann::json& reply, const View& view);
[[nodiscard]] std::string history_view(const nlohmann::json& reply, const View& view);

// Parts of `status`: fields, and a table behind an empty line; "" when there is nothing to say.
[[nodiscard]] std::string line_fields(const nlohmann::json& line, const View& view);
[[nodiscard]] std::string hosts_field(const nlohmann::json& summary);
[[nodiscard]] std::string dns_table(const nlohmann::json& dns, const View& view);

}  // namespace dishwall
