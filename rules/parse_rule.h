// SPDX-License-Identifier: BSD-3-Clause
//
// VERDICT [MATCH] and the clauses behind it.
#pragma once

#include <optional>

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// At the verdict. Returns nothing when it has reported an error that makes the rest of the statement
// unreadable; the caller then skips it. `broken` is set in the rule when the error leaves the rest readable.
[[nodiscard]] std::optional<ast::Rule> parse_rule(Cursor& cursor);

}  // namespace dishwall
