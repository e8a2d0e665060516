// SPDX-License-Identifier: BSD-3-Clause
//
// All kinds of diagnostics there are, for `dishctl explain-error` and for the shells' completion.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "control/dishctl/table.h"
#include "rules/diagnostic.h"

namespace dishwall {

[[nodiscard]] std::span<const Code> all_codes();

[[nodiscard]] std::string codes_view(const View& view);
[[nodiscard]] nlohmann::json codes_document();
[[nodiscard]] nlohmann::json code_document(Code code, std::string_view page);

}  // namespace dishwall
