// SPDX-License-Identifier: BSD-3-Clause
//
// Statements that give something a name: KEYWORD NAME = ... One function a keyword; what a name means is for
// definitions.h.
#pragma once

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// Behind the keyword, one of those for which `defines_a_name`. Leaves the cursor at the statement's end. When
// something is wrong, the name is kept as a broken one.
void parse_definition(Cursor& cursor, std::string_view keyword, ast::File* tree);
[[nodiscard]] bool defines_a_name(std::string_view keyword);

}  // namespace dishwall
