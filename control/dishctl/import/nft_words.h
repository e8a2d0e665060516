// SPDX-License-Identifier: BSD-3-Clause
//
// The JSON of a statement or an expression, said like nft's text: for comments and remarks only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace dishwall::import {

[[nodiscard]] std::string nft_words(const nlohmann::json& expression);
[[nodiscard]] std::string nft_rule_words(const nlohmann::json& statements);

}  // namespace dishwall::import
