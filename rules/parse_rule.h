// SPDX-License-Identifier: BSD-3-Clause
//
// VERDICT [MATCH] and the clauses behind it.
#pragma once

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// At the verdict; the rule is empty. False: it has reported an error that makes the rest of the statement
// unreadable; the caller then skips it. `broken` is set in the rule when the error leaves the rest readable.
[[nodiscard]] bool parse_rule(Cursor& cursor, ast::Rule* rule);

}  // namespace dishwall
