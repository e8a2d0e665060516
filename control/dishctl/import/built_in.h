// SPDX-License-Identifier: BSD-3-Clause
//
// What foreign rules say that dishwall does without any: most rule sets begin with it, since netfilter knows
// nothing by itself.
#pragma once

#include <optional>
#include <string>

#include "control/dishctl/import/condition.h"
#include "control/dishctl/import/import.h"

namespace dishwall::import {

// Which of the four ways a flow is opened over the uplink.
enum class Path { in_self, in_behind, out_self, out_behind };
[[nodiscard]] constexpr bool is_inbound(Path path) {
    return path == Path::in_self || path == Path::in_behind;
}
[[nodiscard]] constexpr bool is_self(Path path) { return path == Path::in_self || path == Path::out_self; }

struct BuiltIn {
    ImportRemark::Kind kind = ImportRemark::Kind::built_in;
    std::string why;
};

// Takes from an accept the ICMPv6 types that no rule decides. Says why, when nothing is left of it.
[[nodiscard]] std::optional<BuiltIn> take_built_in(Path path, Condition* accept);

}  // namespace dishwall::import
