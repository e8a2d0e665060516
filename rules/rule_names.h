// SPDX-License-Identifier: BSD-3-Clause
//
// How rules are called. Counters go by these names, so no two rules have the same one: given names are
// unique, and an unnamed rule is called by its file and line.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace dishwall {

class RuleNames {
public:
    // `sources` are the rule files.
    RuleNames(const SourceMap& sources, Diagnostics* diagnostics);

    // Sets `name` and `named`; `place` is there. False: something was reported.
    bool name(const ast::Rule& from, Rule* rule);

private:
    [[nodiscard]] std::string by_place(const Span& span, const Place& place);

    Diagnostics& diagnostics_;
    std::vector<std::string>
        files_;  // by FileId: the last part of its name, or more of it when that is taken
    std::unordered_map<std::string_view, Span> given_;
    std::set<std::pair<FileId, unsigned>> lines_;  // with an unnamed rule
};

}  // namespace dishwall
