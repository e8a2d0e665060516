// SPDX-License-Identifier: BSD-3-Clause
#include "rules/frontend.h"

#include <fmt/format.h>

#include <utility>

#include "rules/checks.h"
#include "rules/lexer.h"
#include "rules/parser.h"
#include "rules/resolve.h"

namespace dishwall {
namespace {

constexpr std::size_t kLongestText = 64u << 20;

std::optional<Policy> compile(const SourceMap& sources, FileId file, const Environment& env,
                              Diagnostics* diagnostics) {
    const auto tree = parse(lex(sources, file, diagnostics), sources.file(file), diagnostics);
    if (!tree) return std::nullopt;
    Resolved resolved = resolve(*tree, sources, env, diagnostics);
    check(resolved, diagnostics);
    return std::move(resolved.policy);
}

}  // namespace

Compiled read_policy(std::string file_name, std::string text, const Environment& env) {
    Compiled compiled;
    Diagnostics diagnostics;
    const bool too_long = text.size() > kLongestText;
    const FileId file = compiled.sources.add(std::move(file_name), too_long ? "" : std::move(text));
    if (too_long)
        diagnostics.report(Code::over_limit, {file, 0, 0},
                           fmt::format("a file has at most {} MiB", kLongestText >> 20));
    else
        compiled.policy = compile(compiled.sources, file, env, &diagnostics);
    if (compiled.policy) compiled.interface = compiled.policy->uplink.interface;
    if (diagnostics.has_errors()) compiled.policy.reset();
    compiled.diagnostics = diagnostics.take();
    return compiled;
}

}  // namespace dishwall
