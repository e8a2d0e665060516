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

// What a `service` stands for: its matches, and as which they are written.
struct ResolvedService {
    ProtocolMatches alternatives;
    std::vector<const ast::Match*> written;  // beside them
};

// How many there are to be held, of ports and others.
[[nodiscard]] std::size_t elements_of(const ProtocolMatches& alternatives);

// Where ports[i] of a match that was made of this one stands; `match` is not `service`.
[[nodiscard]] inline const Span& port_span(const ast::Match& match, std::size_t i) {
    return match.values[i].span;
}

// Every kind of match but `service`. Empty when an error was reported.
[[nodiscard]] std::optional<ProtocolMatch> resolve_match(const ast::Match& match, const Environment& env,
                                                         Diagnostics* diagnostics);

// `proto` ("tcp") says in which part of /etc/services a name is looked up; empty: in all.
[[nodiscard]] std::optional<PortRanges> resolve_ports(const ast::Words& words,
                                                                  std::string_view proto,
                                                                  const Environment& env,
                                                                  Diagnostics* diagnostics);

}  // namespace dishwall
