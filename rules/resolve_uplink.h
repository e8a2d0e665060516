// SPDX-License-Identifier: BSD-3-Clause
//
// The uplink block of the AST -> Uplink.
#pragma once

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace dishwall {

// With errors reported, what could be read. The first uplink counts when there are several.
[[nodiscard]] Uplink resolve_uplink(const ast::File& file, const SourceMap& sources,
                                    Diagnostics* diagnostics);

// 2001:db8::/32 and 3fff::/20: never seen on the Internet, dropped unless the uplink allows them.
[[nodiscard]] bool is_documentation(const Ipv6Prefix& prefix);

}  // namespace dishwall
