// SPDX-License-Identifier: BSD-3-Clause
//
// The `dns-update` blocks of the AST -> Policy::dns_updates. What goes from here into the input of nsupdate
// is checked so far that it cannot be taken for another command: names are host names, servers have no
// blanks.
#pragma once

#include "rules/ast.h"
#include "rules/definitions.h"
#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace dishwall {

inline constexpr std::size_t kMostRecords = 4'096;  // in all blocks

// policy->hosts and policy->learnt are there, and `definitions` has made them.
void resolve_dns_updates(const ast::File& file, const SourceMap& sources, const Environment& env,
                         Definitions* definitions, Diagnostics* diagnostics, Policy* policy);

}  // namespace dishwall
