// SPDX-License-Identifier: BSD-3-Clause
#include "rules/frontend.h"

#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "rules/check_shadows.h"
#include "rules/checks.h"
#include "rules/prove.h"
#include "rules/resolve.h"

namespace dishwall {
namespace {

constexpr std::size_t kManyRules = 2'000;  // of fewer all is done before a thread has begun

// Rules that are never reached; this looks into feeds.
void check_rules(const Resolved& resolved, const ParsedFiles& parsed, const Environment& env,
                 Diagnostics* diagnostics) {
    check(resolved, diagnostics);
    if (!env.proven) check_shadows(resolved, parsed.tree, diagnostics);
}

// Looking for rules that are never reached takes as long as what is made of a policy that has none.
void check_beside(const Resolved& resolved, const ParsedFiles& parsed, const Environment& env,
                  Diagnostics* diagnostics) {
    std::thread checking;
    try {
        checking = std::thread([&] { check_rules(resolved, parsed, env, diagnostics); });
    } catch (const std::system_error&) {  // no thread is to be had
        return check_rules(resolved, parsed, env, diagnostics);
    }
    env.meanwhile(resolved.policy);
    checking.join();
}

}  // namespace

Compiled read_policy(std::string file_name, std::string text, const Environment& env) {
    std::vector<RuleText> files;
    files.push_back({std::move(file_name), std::move(text)});
    return read_policy(std::move(files), env);
}

Compiled read_policy(std::vector<RuleText> files, const Environment& env) {
    Compiled compiled;
    Diagnostics diagnostics;
    const auto parsed = std::make_shared<ParsedFiles>(
        parse_rule_files(std::move(files), env, &compiled.sources, &diagnostics));
    compiled.rule_files = std::move(parsed->read);
    compiled.leftovers = parsed;
    if (parsed->understood) {
        Resolved resolved = resolve(parsed->tree, &compiled.sources, env, &diagnostics);
        const std::size_t rules =
            resolved.policy.inbound.rules.size() + resolved.policy.outbound.rules.size();
        if (env.two_threads && env.meanwhile && rules >= kManyRules && !diagnostics.has_errors())
            check_beside(resolved, *parsed, env, &diagnostics);
        else
            check_rules(resolved, *parsed, env, &diagnostics);
        // This looks into feeds, too.
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
