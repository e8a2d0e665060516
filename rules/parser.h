// SPDX-License-Identifier: BSD-3-Clause
//
// Tokens -> AST. Recursive descent, one function a statement. After an error it goes on behind the
// statement, so that one run reports every mistake in the file, and one mistake only once.
//
// A rule file may be several texts: what it includes, and what stands beside it in conf.d. They are parsed
// one by one into the same tree, an included one at the place of its `include`; rule_files.h says which.
#pragma once

#include <functional>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/lexer.h"

namespace dishwall {

struct ParseOptions {
    bool needs_version = true;  // `version 1` may be left out of all texts but the first
    std::function<void(const ast::Word& path)> include;  // parses that file into the same tree
    bool two_threads = false;  // may be used for a long block
};

// Adds what could be read to `tree`. False: the text is in another version of the language.
bool parse(TokenList tokens, const SourceFile& file, const ParseOptions& options, ast::File* tree,
           Diagnostics* diagnostics);

}  // namespace dishwall
