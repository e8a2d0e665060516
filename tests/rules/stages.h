// SPDX-License-Identifier: BSD-3-Clause
//
// Each stage of the compiler as text, for golden files and for comparing two files stage by stage. Places are
// left out behind the tokens: what a file means does not depend on its layout.
#pragma once

#include <string>
#include <string_view>

#include "rules/ast.h"
#include "rules/lower.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace dishwall::test {

// LINE:COLUMN KIND TEXT, a line each.
[[nodiscard]] std::string dump_tokens(const SourceMap& sources, FileId file);

// Every statement with its words. Names of files that are included are not in a tree: they are read at once.
[[nodiscard]] std::string dump_tree(const ast::File& tree);
// The tree of one text; what it includes is left out. Empty when it cannot be parsed.
[[nodiscard]] std::string tree_of(const std::string& text);

// Every name looked up, every value read.
[[nodiscard]] std::string dump_policy(const Policy& policy);

[[nodiscard]] std::string_view verdict_text(std::uint32_t verdict);

// The image table by table, services in the order of their rules. Rules are counted from DW_REASONS_MAX on.
[[nodiscard]] std::string dump_image(const CompiledImage& compiled);

}  // namespace dishwall::test
