// SPDX-License-Identifier: BSD-3-Clause
//
// What stands in a `dns-update` block. Its statements know where they end, so several may stand on a line
// with nothing between them: { server "2001:db8::53" key-file "tsig.key"  record web AAAA nas ttl 60 }.
#pragma once

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// One statement; the cursor is then behind it. False when an error was reported: the caller skips the line.
[[nodiscard]] bool parse_dns_statement(Cursor& cursor, ast::DnsUpdate* update);

}  // namespace dishwall
