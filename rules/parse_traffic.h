// SPDX-License-Identifier: BSD-3-Clause
//
// The parts of the grammar that say which packets are meant: MATCH, ADDRESS, and both together as rules,
// tests and `protect` lines have them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/cursor.h"

namespace dishwall {

// Each returns nothing when it has reported an error; the caller then skips the statement.
[[nodiscard]] std::optional<ast::Address> parse_address(Cursor& cursor);
[[nodiscard]] std::optional<ast::Match> parse_match(Cursor& cursor);
// ADDRESS [port PORTS], behind `from`.
[[nodiscard]] bool parse_from(Cursor& cursor, ast::Rare<ast::Address>* address, ast::Rare<ast::Words>* ports);
// [MATCH] [from ADDRESS [port PORTS]] [to ADDRESS]; what stands behind it is left to the caller.
[[nodiscard]] std::optional<ast::Traffic> parse_traffic(Cursor& cursor);

// Does a MATCH stand here, and no clause of the rule?
[[nodiscard]] bool at_match(const Cursor& cursor);
// The clauses of a rule behind its MATCH, in the order they are written in.
[[nodiscard]] const std::vector<std::string_view>& rule_clauses();
// Words that end PORTS and ADDRESS: they open the next part of the rule.
[[nodiscard]] bool opens_clause(std::string_view word);
// `otherwise` is the help when the word is near to no known one.
void report_unknown_word(Cursor& cursor, const std::vector<std::string_view>& known,
                         std::string_view expected, std::string_view otherwise = {});

}  // namespace dishwall
