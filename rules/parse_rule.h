// SPDX-License-Identifier: BSD-3-Clause
//
// The parts of the grammar that rules, sets and services share: MATCH, ADDRESS, and a whole rule.
#pragma once

#include <optional>

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// Each returns nothing when it has reported an error that makes the rest of the statement unreadable; the
// caller then skips the statement. `broken` is set when the error leaves the rest readable.

[[nodiscard]] std::optional<ast::Address> parse_address(Cursor& cursor, bool* broken);
[[nodiscard]] std::optional<ast::Match> parse_match(Cursor& cursor);
[[nodiscard]] std::optional<ast::Rule> parse_rule(Cursor& cursor);  // at its verdict

}  // namespace dishwall
