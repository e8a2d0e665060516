// SPDX-License-Identifier: BSD-3-Clause
//
// `protect` and `test` blocks of the AST -> claims of the policy, with names looked up and values read.
// Whether they hold is for prove.h.
#pragma once

#include <vector>

#include "rules/ast.h"
#include "rules/definitions.h"
#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace dishwall {

// Where the claims of a policy are written.
struct ClaimOrigins {
    std::vector<std::vector<Span>> tests;  // beside Policy::tests and their expectations
    std::vector<Span> protects;            // beside Policy::protects
};

// Fills policy->tests and policy->protects; all else is there. Claims with an error are left out.
[[nodiscard]] ClaimOrigins resolve_claims(const ast::File& file, const SourceMap& sources,
                                          const Environment& env, Definitions* definitions,
                                          Diagnostics* diagnostics, Policy* policy);

}  // namespace dishwall
