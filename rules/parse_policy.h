// SPDX-License-Identifier: BSD-3-Clause
//
// policy inbound|outbound on UPLINK { ... }: rules, `default` and `log sample`.
#pragma once

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// Behind the keyword. Leaves the cursor at the statement's end.
void parse_policy(Cursor& cursor, const ast::Word& keyword, ast::File* tree);

}  // namespace dishwall
