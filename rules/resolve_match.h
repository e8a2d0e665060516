// SPDX-License-Identifier: BSD-3-Clause
//
// MATCH and PORTS of the AST -> protocols, port ranges and ICMPv6 types.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/policy.h"

namespace dishwall {

// A MATCH, and where its ports are written: spans[i][j] is the place of alternatives[i].ports[j].
struct ResolvedMatch {
    std::vector<ProtocolMatch> alternatives;
    std::vector<std::vector<Span>> spans;

    [[nodiscard]] std::size_t elements() const;
};

// Every kind of match but `service`. Empty when an error was reported.
[[nodiscard]] std::optional<ResolvedMatch> resolve_match(const ast::Match& match, const Environment& env,
                                                         Diagnostics* diagnostics);

// `proto` ("tcp") says in which part of /etc/services a name is looked up; empty: in all.
[[nodiscard]] std::optional<std::vector<PortRange>> resolve_ports(const std::vector<ast::Word>& words,
                                                                  std::string_view proto,
                                                                  const Environment& env,
                                                                  Diagnostics* diagnostics);

}  // namespace dishwall
