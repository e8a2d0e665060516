// SPDX-License-Identifier: BSD-3-Clause
//
// What stands behind `dishctl prefix`: nothing, `history`, or what a DHCPv6 client's hook tells of its
// delegation. Hooks are written once and fail years later, so a wrong word is answered with what to write.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rules/result.h"

namespace dishwall {

struct PrefixRequest {
    enum class Kind { show, history, set, withdraw };
    Kind kind = Kind::show;
    nlohmann::json parameters = nlohmann::json::object();  // of the method that is called
};

[[nodiscard]] Result<PrefixRequest> parse_prefix_words(const std::vector<std::string>& words);

}  // namespace dishwall
