// SPDX-License-Identifier: BSD-3-Clause
//
// Diagnostics -> text for people, in the form that language.md, "Errors", gives.
#pragma once

#include <string>
#include <vector>

#include "rules/diagnostic.h"
#include "rules/source.h"

namespace dishwall {

// One block of lines for each, separated by an empty line; ends with a newline unless there is nothing to
// say. `color` adds ANSI colours. Control characters of the source never reach the terminal.
[[nodiscard]] std::string render(const std::vector<Diagnostic>& diagnostics, const SourceMap& sources,
                                 bool color);

}  // namespace dishwall
