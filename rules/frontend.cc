// SPDX-License-Identifier: BSD-3-Clause
#include "rules/frontend.h"

#include <utility>

#include "rules/check_shadows.h"
#include "rules/checks.h"
#include "rules/prove.h"
#include "rules/resolve.h"

namespace dishwall {

Compiled read_policy(std::string file_name, std::string text, const Environment& env) {
    std::vector<RuleText> files;
    files.push_back({std::move(file_name), std::move(text)});
    return read_policy(std::move(files), env);
}

Compiled read_policy(std::vector<RuleText> files, const Environment& env) {
    Compiled compiled;
    Diagnostics diagnostics;
    ParsedFiles parsed = parse_rule_files(std::move(files), env, &compiled.sources, &diagnostics);
    compiled.rule_files = std::move(parsed.read);
    if (parsed.understood) {
        Resolved resolved = resolve(parsed.tree, &compiled.sources, env, &diagnostics);
        check(resolved, &diagnostics);
        // Both look into feeds.
        if (!env.proven) check_shadows(resolved, parsed.tree, &diagnostics);
        const bool proven = !diagnostics.has_errors() && (env.proven || prove(resolved, &diagnostics));
        compiled.interface = resolved.policy.uplink.interface;
        if (!diagnostics.has_errors())
            compiled.policy = std::move(resolved.policy);
        else if (proven)
            compiled.unprotected = std::move(resolved.policy);
    }
    compiled.diagnostics = diagnostics.take();
    return compiled;
}

}  // namespace dishwall
