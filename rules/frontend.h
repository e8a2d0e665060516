// SPDX-License-Identifier: BSD-3-Clause
//
// Rule file text -> resolved Policy, or everything that is wrong with it. This is the only door to the
// front end; the passes behind it (lexer, parser, resolve, checks) are described in rules/README.md.
// It is pure: what it has to ask of the world comes in by Environment.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/policy.h"
#include "rules/render.h"
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
};

// `file_name` is shown in errors and, without its directory, in the names of unnamed rules.
[[nodiscard]] Compiled read_policy(std::string file_name, std::string text, const Environment& env);

}  // namespace dishwall
