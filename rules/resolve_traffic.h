// SPDX-License-Identifier: BSD-3-Clause
//
// [MATCH] [from ADDRESS [port PORTS]] [to ADDRESS] -> Traffic: what rules, tests and `protect` lines have in
// common.
#pragma once

#include <memory>
#include <optional>

#include "rules/ast.h"
#include "rules/definitions.h"
#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/policy.h"
#include "rules/resolve_match.h"

namespace dishwall {

struct ResolvedTraffic {
    Traffic traffic;
    std::shared_ptr<const ResolvedService> service;  // its MATCH is one
    bool good = false;                               // all of it was read
};

// Everything that is wrong is reported, one part of the traffic not keeping another from being read.
[[nodiscard]] ResolvedTraffic resolve_traffic(const ast::Traffic& from, Definitions* definitions,
                                              const Environment& env, Diagnostics* diagnostics);
// The same of a rule, made in its place, which is empty. False: not all of it was read.
[[nodiscard]] bool resolve_traffic(const ast::Rule& from, Definitions* definitions, const Environment& env,
                                   Diagnostics* diagnostics, Traffic* traffic,
                                   std::shared_ptr<const ResolvedService>* service);

}  // namespace dishwall
