// SPDX-License-Identifier: BSD-3-Clause
//
// Rule file text -> the same file in the one layout that all rule files share (`dishctl fmt`). Only blanks,
// line breaks and `;` change: the words, their order and every comment stay, so the file means what it meant.
// What it cannot keep is the line that a rule stands on, after which rules without a name are called.
//
// - One statement a line, four blanks for each brace that is open at the line's start.
// - A block, or a list, that was written on one line stays on one line when there is no `;` in it; line
// breaks in
//   lists stay where they are, and so do lines that `\` continues.
// - One blank between words and around `=`, blanks inside braces, none before a comma.
// - At most one empty line in a row, none at the start or the end of a block.
// - On neighbouring lines the `=` of definitions, the `name` of rules, and comments behind statements stand
// below
//   one another; a line too long for that stands apart.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/diagnostic.h"
#include "rules/source.h"

namespace dishwall {

struct Formatted {
    std::optional<std::string> text;      // empty when the file cannot be parsed
    std::vector<Diagnostic> diagnostics;  // then why; names are not looked up, included files not read
    SourceMap sources;                    // for `render`
};

[[nodiscard]] Formatted format_rules(std::string file_name, std::string text);

}  // namespace dishwall
