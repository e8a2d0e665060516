// SPDX-License-Identifier: BSD-3-Clause
//
// What a chain of a compiled policy costs a packet, as text for `status` and `check`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace dishwall {

// Of "inbound" or "outbound" of control/image_json.h.
[[nodiscard]] std::string cost_text(const nlohmann::json& chain);

}  // namespace dishwall
