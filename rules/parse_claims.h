// SPDX-License-Identifier: BSD-3-Clause
//
// What a file claims about its own policy: `protect NAME { ... }` and `test "NAME" { ... }`.
#pragma once

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// Each behind its keyword. They leave the cursor at the statement's end.
void parse_protect(Cursor& cursor, const ast::Word& keyword, ast::File* tree);
void parse_test(Cursor& cursor, const ast::Word& keyword, ast::File* tree);

}  // namespace dishwall
