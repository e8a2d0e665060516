// SPDX-License-Identifier: BSD-3-Clause
//
// A page of text for each kind of diagnostic, for `dishctl explain-error E0207`: what it means, a small rule
// file that has the fault, and the same file mended. The pages are rules/pages/*.md, built into the binary,
// since the reader may have no network just then. tests/rules/pages_test.cc reads the examples, so they are
// true.
#pragma once

#include <optional>
#include <string_view>

#include "rules/diagnostic.h"

namespace dishwall {

// Markdown that reads well as it is: headings, paragraphs, examples indented by four blanks.
[[nodiscard]] std::string_view page_of(Code code);

// "E0207", "e207" or "207".
[[nodiscard]] std::optional<Code> code_named(std::string_view name);

}  // namespace dishwall
