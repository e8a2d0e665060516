// SPDX-License-Identifier: BSD-3-Clause
//
// Rules that are never reached (E0207), and of the others the parts that are not: a port, a type or an
// address of a list that the author wrote for nothing (W0309).
#pragma once

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/resolve.h"

namespace dishwall {

// `tree` is what `resolved` was made of.
void check_shadows(const Resolved& resolved, const ast::File& tree, Diagnostics* diagnostics);

}  // namespace dishwall
