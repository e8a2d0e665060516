// SPDX-License-Identifier: BSD-3-Clause
//
// The texts of one rule set: the rule file, what stands beside it in conf.d, and what they include. A file is
// read once, and who asks for it again is told so: that bounds loops, and files that multiply.
#pragma once

#include <string>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/source.h"

namespace dishwall {

inline constexpr std::size_t kLongestText = 64u << 20;  // of all rule files together
inline constexpr std::size_t kMostRuleFiles = 1'000;
inline constexpr unsigned kDeepestIncludes = 16;

// One file of a rule set. `name` is shown in errors and, without its directory, in the names of unnamed
// rules.
struct RuleText {
    std::string name;
    std::string text;
};

struct ParsedFiles {
    ast::File tree;
    std::vector<FileId> read;  // first the given texts, then the included ones as they were come upon
    bool understood = false;   // false: the first text is no rule file of this version
};

[[nodiscard]] ParsedFiles parse_rule_files(std::vector<RuleText> texts, const Environment& env,
                                           SourceMap* sources, Diagnostics* diagnostics);

}  // namespace dishwall
