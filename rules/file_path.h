// SPDX-License-Identifier: BSD-3-Clause
//
// Files that a rule file names: where they are, how errors call them, and what is in them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/source.h"

namespace dishwall {

struct FilePath {
    std::string
        path;  // absolute when that of the rule file is; relative ones begin beside the file that says so
    std::string shown;  // beside the rule file's name as it was given
};

// Empty, and reported, when the word can be no path.
[[nodiscard]] std::optional<FilePath> read_path(const ast::Word& word, const SourceMap& sources,
                                                Diagnostics* diagnostics);

// What is in it; empty, and reported, when it cannot be read.
[[nodiscard]] std::optional<std::string> read_text(const ast::Word& word, const FilePath& file,
                                                   const Environment& env, Diagnostics* diagnostics);

// `cannot`: "cannot be read".
void report_bad_file(const ast::Word& word, const std::string& path, std::string_view cannot,
                     std::string_view reason, Diagnostics* diagnostics);

}  // namespace dishwall
