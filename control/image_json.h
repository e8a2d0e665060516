// SPDX-License-Identifier: BSD-3-Clause
//
// What a compiled policy costs (rules/image/facts.h) as replies and `dishctl check -j` tell it: memory, and
// how far a packet may have to go in it at the most.
#pragma once

#include <nlohmann/json.hpp>

#include "rules/image/facts.h"

namespace dishwall {

// "bytes", "limit", "sets", "prefixes", "address_bytes", and for "inbound" and "outbound" "services",
// "rule_lines", "tuples", "longest_list", "bytes", "worst_accesses" and "worst_rules".
[[nodiscard]] nlohmann::json image_json(const ImageFacts& facts);

}  // namespace dishwall
