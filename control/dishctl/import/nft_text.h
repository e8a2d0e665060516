// SPDX-License-Identifier: BSD-3-Clause
//
// /etc/nftables.conf, or what `nft list ruleset` prints -> the JSON of `nft -j list ruleset`. The text has
// definitions, includes and several ways to say everything, so nft itself reads it: it is loaded into a
// network namespace that exists for this moment only, of a child process, and listed. No right is needed
// where users may make namespaces. JSON needs none of that.
#pragma once

#include <string>
#include <string_view>

#include "rules/result.h"

namespace dishwall::import {

[[nodiscard]] bool is_nft_json(std::string_view text);
[[nodiscard]] Result<std::string> list_nft_text(std::string_view text);

}  // namespace dishwall::import
