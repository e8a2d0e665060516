// SPDX-License-Identifier: BSD-3-Clause
//
// Tokens -> AST. Recursive descent, one function a statement. After an error it goes on behind the
// statement, so that one run reports every mistake in the file, and one mistake only once.
#pragma once

#include <optional>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/lexer.h"

namespace dishwall {

// The AST holds what could be read. Empty when the file is in another version of the language.
[[nodiscard]] std::optional<ast::File> parse(std::vector<Token> tokens, const SourceFile& file,
                                             Diagnostics* diagnostics);

}  // namespace dishwall
