// SPDX-License-Identifier: BSD-3-Clause
//
// policy inbound|outbound on UPLINK { ... }: rules, `default` and `log sample`.
#pragma once

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// Behind the keyword. Leaves the cursor at the statement's end.
// `two_threads`: may be used for a long block.
void parse_policy(Cursor& cursor, const ast::Word& keyword, bool two_threads, ast::File* tree);

}  // namespace dishwall
