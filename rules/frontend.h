// SPDX-License-Identifier: BSD-3-Clause
//
// Rule file text -> resolved Policy, or everything that is wrong with it. This is the only door to the
// front end; the passes behind it (lexer, parser, resolve, checks) are described in rules/README.md.
// It is pure: what it has to ask of the world comes in by Environment.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/policy.h"
#include "rules/render.h"
#include "rules/rule_files.h"
#include "rules/source.h"

namespace dishwall {

// The result of text -> policy.
struct Compiled {
    std::optional<Policy> policy;         // empty when there was an error
    std::vector<Diagnostic> diagnostics;  // errors and warnings, in source order
    SourceMap sources;                    // the texts, for `render`
    // The uplink's, also when there was an error elsewhere; empty when it cannot be told. Whoever could not
    // load the file may at least close that interface.
    std::string interface;
    // The policy, when nothing but its own `protect` lines stands against it (E0602 is the only error); then
    // `policy` is empty. `load --force` takes it.
    std::optional<Policy> unprotected;
    // Every rule file that was read, with included ones, in the order of reading: ids in `sources`.
    std::vector<FileId> rule_files;
    // What was made on the way, of no use to anybody. To take that of a long file apart takes milliseconds, which
    // whoever is in a hurry can spend later.
    std::shared_ptr<const void> leftovers;
};

// The first is the rule file itself, the others what stands beside it in conf.d, in name order; all of them
// are one policy. What they include is read through `env`.
[[nodiscard]] Compiled read_policy(std::vector<RuleText> files, const Environment& env);
[[nodiscard]] Compiled read_policy(std::string file_name, std::string text, const Environment& env);

}  // namespace dishwall
