// SPDX-License-Identifier: BSD-3-Clause
//
// Any bytes as a rule set, from text to image. A line `#%% PATH` begins another file: those in conf.d/ stand
// beside the rule file, the others are read when the rules ask for them (include, feed, signatures).
//
// Besides what the sanitizers see: a policy comes out exactly when there is no error, everything that is said
// can be printed, places lie inside the texts, a policy keeps what policy.h promises, its own protect lines
// hold, the oracle answers, and the formatter keeps the tree and is done once.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/evaluate.h"
#include "rules/feed.h"
#include "rules/format.h"
#include "rules/frontend.h"
#include "rules/lower.h"
#include "rules/prove.h"
#include "tests/fuzz/policy_promises.h"
#include "tests/rules/stages.h"

namespace {

using namespace dishwall;
using namespace dishwall::test;

std::optional<std::uint16_t> find_service(std::string_view service, std::string_view) {
    if (service == "https") return 443;
    return std::nullopt;
}

std::string why_not(const std::string& path) {
    return path.size() % 3 == 0 ? "No such file or directory" : "";
}

// ---- the texts

struct RuleSet {
    std::vector<RuleText> texts;
    std::map<std::string, std::string> others;  // by absolute path
};

RuleSet split(std::string_view data) {
    constexpr std::string_view kMark = "\n#%% ";
    constexpr std::size_t kMostFiles = 16;
    const std::size_t first = std::min(data.find(kMark), data.size());
    RuleSet set{{{"/etc/dishwall/fuzz.conf", std::string(data.substr(0, first))}}, {}};
    data.remove_prefix(first);
    while (!data.empty() && set.texts.size() + set.others.size() < kMostFiles) {
        data.remove_prefix(kMark.size());
        const std::size_t line = std::min(data.find('\n'), data.size());
        const std::size_t end = std::min(data.find(kMark), data.size());
        const std::string path = "/etc/dishwall/" + std::string(data.substr(0, std::min(line, end)));
        std::string text(line < end ? data.substr(line + 1, end - line - 1) : "");
        if (path.find("/conf.d/") != std::string::npos)
            set.texts.push_back({path, std::move(text)});
        else
            set.others[path] = std::move(text);
        data.remove_prefix(end);
    }
    return set;
}

Environment environment_of(const RuleSet& set) {
    return {find_service, "/etc/dishwall", why_not, why_not,
            [&set](const std::string& path) -> tl::expected<std::string, std::string> {
                const auto found = set.others.find(path);
                if (found == set.others.end())
                    return tl::unexpected<std::string>("No such file or directory");
                return found->second;
            }};
}

// ---- what has to hold

void check_label(const Label& label, const SourceMap& sources) {
    const std::size_t size = sources.file(label.span.file).text().size();
    require(label.span.begin <= label.span.end && label.span.end <= size);
    require(!label.text.empty());
}

void check_diagnostics(const Compiled& compiled) {
    bool any_error = false;
    bool only_protected = true;
    for (const Diagnostic& diagnostic : compiled.diagnostics) {
        const bool error = severity_of(diagnostic.code) == Severity::error;
        any_error |= error;
        only_protected &=
            !error || diagnostic.code == Code::protect_broken || diagnostic.code == Code::too_many;
        check_label(diagnostic.primary, compiled.sources);
        if (diagnostic.second) check_label(*diagnostic.second, compiled.sources);
    }
    require(compiled.policy.has_value() == !any_error);
    require(!compiled.unprotected || (any_error && only_protected));
    const std::string said = render(compiled.diagnostics, compiled.sources, true);
    require(said.empty() == compiled.diagnostics.empty());
}

void check_format(const std::string& text) {
    const std::string tree = tree_of(text);
    const Formatted once = format_rules("fuzz.conf", text);
    require(once.text.has_value() == !tree.empty());
    require(once.text.has_value() == once.diagnostics.empty());
    if (!once.text) return;
    require(tree_of(*once.text) == tree);
    const Formatted twice = format_rules("fuzz.conf", *once.text);
    require(twice.text == once.text);
}

// Both ends of a packet are taken from the policy's own prefixes, so that rules do match.
void check_evaluate(const Policy& policy) {
    Own own;
    for (unsigned i = 0; i < policy.uplink.sources.size(); ++i)
        own.prefixes.push_back({*parse_prefix("2001:db8:0:100::/56"), i, DW_PREFIX_PREFERRED, false});
    own.self = {*parse_ipv6("2001:db8:0:100::1")};
    Query query{
        Direction::inbound, *parse_ipv6("2001:db8:7::5"), *parse_ipv6("2001:db8:0:101::10"), 6, 1024, 22, 0};
    for (const Direction direction : {Direction::inbound, Direction::outbound})
        for (const std::uint8_t proto : {6, 17, 58}) {
            query.direction = direction;
            query.proto = proto;
            const Judgement judged = evaluate(policy, own, query);
            const Chain& chain = direction == Direction::inbound ? policy.inbound : policy.outbound;
            require(judged.verdict != DW_AUDIT && judged.over_rate.empty());
            require(judged.rule ? matches(*judged.rule, own, query)
                                : judged.verdict == chain.default_verdict);
            for (const Rule& rule : chain.rules) {
                if (&rule == judged.rule) break;
                require(rule.verdict == DW_AUDIT || !matches(rule, own, query));
                require(matches(rule, own, query) == mismatch(rule, own, query).empty());
            }
        }
}

void check_policy(const Policy& policy) {
    check_promises(policy);
    check_evaluate(policy);
    require(check_protected(translate(policy, policy), policy).empty());
    require(!dump_policy(policy).empty());
    std::uint32_t next = DW_REASONS_MAX;
    const auto image = lower(policy, [&](const Rule&) { return next++; });
    if (image) require(!dump_image(*image).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const RuleSet set = split({reinterpret_cast<const char*>(data), size});
    const Compiled compiled = read_policy(set.texts, environment_of(set));
    check_diagnostics(compiled);
    if (compiled.policy) check_policy(*compiled.policy);
    if (compiled.unprotected) check_promises(*compiled.unprotected);
    check_format(set.texts.front().text);
    const FeedReading feed = read_feed({reinterpret_cast<const char*>(data), size});
    if (feed.entries) check_entries(*feed.entries);
    return 0;
}
