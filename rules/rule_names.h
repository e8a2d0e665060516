// SPDX-License-Identifier: BSD-3-Clause
//
// How rules are called. Counters go by these names, so no two rules have the same one: given names are
// unique, and an unnamed rule is called by its file and line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/name_table.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace dishwall {

class RuleNames {
public:
    // `sources` are the rule files.
    RuleNames(const SourceMap& sources, Diagnostics* diagnostics);

    // Sets `name` and `named`; `place` is there. Rules of one file come in its order. False: something was
    // reported.
    bool name(const ast::Rule& from, Rule* rule);

private:
    [[nodiscard]] std::string by_place(const Span& span, const Place& place);

    Diagnostics& diagnostics_;
    std::vector<std::string>
        files_;  // by FileId: the last part of its name, or more of it when that is taken
    NameTable<Span> given_;
    std::vector<unsigned> last_lines_;  // by FileId: with an unnamed rule; rules come in order
};

}  // namespace dishwall
