// SPDX-License-Identifier: BSD-3-Clause
//
// uplink NAME { ... }: settings of the line, and where its prefixes come from.
#pragma once

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// Behind the keyword. Leaves the cursor at the statement's end.
void parse_uplink(Cursor& cursor, const ast::Word& keyword, ast::File* tree);

}  // namespace dishwall
