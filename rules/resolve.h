// SPDX-License-Identifier: BSD-3-Clause
//
// AST -> Policy: every name looked up, every value read, every limit held. Rules with an error are left
// out, so that the rest is checked all the same.
#pragma once

#include <memory>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/policy.h"
#include "rules/resolve_claims.h"
#include "rules/resolve_match.h"
#include "rules/source.h"

namespace dishwall {

// What a rule of the policy was written as. `written` points into the AST.
struct RuleOrigin {
    const ast::Rule* written = nullptr;
    std::shared_ptr<const ResolvedService> service;  // its MATCH is one

    // As what alternative i of its match is written, there or in the service.
    [[nodiscard]] const ast::Match& match(std::size_t i) const {
        return service ? *service->written[i] : written->match;
    }
};

struct Resolved {
    Policy policy;
    std::vector<RuleOrigin> inbound, outbound;  // beside the rules of the chains
    ClaimOrigins claims;
};

// `sources` are the rule files. Feeds and signature files with bad lines are added.
[[nodiscard]] Resolved resolve(const ast::File& file, SourceMap* sources, const Environment& env,
                               Diagnostics* diagnostics);

}  // namespace dishwall
