// SPDX-License-Identifier: BSD-3-Clause
//
// dns-update ZONE { ... }. Its statements know where they end, so several may stand on a line
// with nothing between them: { server "2001:db8::53" key-file "tsig.key"  record web AAAA nas ttl 60 }.
#pragma once

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// Behind the keyword. Leaves the cursor at the statement's end.
void parse_dns_update(Cursor& cursor, const ast::Word& keyword, ast::File* tree);

}  // namespace dishwall
