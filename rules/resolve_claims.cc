// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve_claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "rules/literal.h"
#include "rules/names.h"
#include "rules/resolve_traffic.h"

namespace dishwall {
namespace {

class ClaimResolver {
public:
    ClaimResolver(const ast::File& file, const SourceMap& sources, const Environment& env,
                  Definitions* definitions, Diagnostics* diagnostics, Policy* policy)
        : file_(file),
          sources_(sources),
          env_(env),
          definitions_(*definitions),
          diagnostics_(*diagnostics),
          policy_(*policy) {}

    ClaimOrigins run() {
        for (const ast::Protect& protect : file_.protects) add(protect);
        for (const ast::Test& test : file_.tests) add(test);
        return std::move(origins_);
    }

private:
    enum class Found { inbound, outbound, broken };  // of a rule's name

    // When a rule is first asked for.
    void collect_rules() {
        if (std::exchange(collected_, true)) return;
        for (const Rule& rule : policy_.inbound.rules) rules_.emplace(rule.name, Found::inbound);
        for (const Rule& rule : policy_.outbound.rules) rules_.emplace(rule.name, Found::outbound);
        // Rules that were complained about are not in the policy.
        for (const ast::Policy& policy : file_.policies)
            for (const ast::Rule& rule : policy.rules)
                if (rule.name) rules_.emplace(rule.name->text, Found::broken);
    }

    bool check_name(const ast::Word& name, std::unordered_map<std::string_view, Span>* names) {
        const auto [first, is_new] = names->try_emplace(name.text, name.span);
        if (is_new || name.text.empty()) return true;
        diagnostics_.report(Code::duplicate_name, name.span, "defined again")
            .and_at(first->second, "first defined here");
        return false;
    }

    void check_filled(bool filled, const ast::Word& name, std::string_view what, std::string_view help) {
        if (!filled)
            diagnostics_.report(Code::missing, name.span, std::string(what)).with_help(std::string(help));
    }

    // ---- protect

    void add(const ast::Protect& protect) {
        check_name(protect.name, &protect_names_);
        check_filled(protect.broken || !protect.lines.empty(), protect.name, "nothing is protected",
                     "`tcp 22 from admins to self`: what has to stay accepted, inbound");
        for (const ast::Traffic& line : protect.lines) {
            auto traffic = read(line);
            if (!traffic) continue;
            policy_.protects.push_back(
                {std::string(protect.name.text), std::move(*traffic), sources_.place(line.span)});
            origins_.protects.push_back(line.span);
        }
    }

    // ---- test

    void add(const ast::Test& test) {
        check_name(test.name, &test_names_);
        check_filled(test.broken || !test.expectations.empty(), test.name, "nothing is expected",
                     "`inbound tcp 443 from 2001:db8::1 to nas expect accept`");
        PolicyTest made{std::string(test.name.text), {}, sources_.place(test.span)};
        std::vector<Span> spans;
        for (const ast::Expectation& each : test.expectations) {
            auto expectation = read(each);
            if (!expectation) continue;
            made.expectations.push_back(std::move(*expectation));
            spans.push_back(each.span);
        }
        if (made.expectations.empty()) return;
        policy_.tests.push_back(std::move(made));
        origins_.tests.push_back(std::move(spans));
    }

    std::optional<Expectation> read(const ast::Expectation& from) {
        Expectation made;
        made.place = sources_.place(from.span);
        made.direction = from.direction.text == "inbound" ? Direction::inbound : Direction::outbound;
        bool good = read_with(from, &made);
        auto traffic = read(from.traffic);
        good &= traffic.has_value();
        good &= read_verdict(from.verdict, &made);
        good &= !from.by || read_by(*from.by, &made);
        if (!good) return std::nullopt;
        made.traffic = std::move(*traffic);
        return made;
    }

    bool read_verdict(const ast::Word& word, Expectation* made) {
        const auto verdict = verdict_of(word.text);
        if (!verdict) {
            diagnostics_.report(Code::unknown_keyword, word.span, "expected a verdict")
                .with_help(did_you_mean(word.text, {"accept", "drop", "reject", "reject-late"}));
            return false;
        }
        if (*verdict == DW_AUDIT) {
            diagnostics_.report(Code::not_a_decision, word.span, "`audit` goes on to the next rule")
                .with_help("`expect accept`, `drop`, `reject` or `reject-late`");
            return false;
        }
        made->verdict = *verdict;
        return true;
    }

    bool read_by(const ast::Word& word, Expectation* made) {
        collect_rules();
        const auto found = rules_.find(word.text);
        if (found == rules_.end()) {
            if (file_.incomplete) return false;
            std::vector<std::string_view> known;
            for (const auto& [name, where] : rules_) known.push_back(name);
            std::sort(known.begin(), known.end());
            Diagnostic& report = diagnostics_.report(Code::unknown_name, word.span, "no rule has this name");
            if (diagnostics_.keeps_errors()) report.help = did_you_mean(word.text, known);
            return false;
        }
        made->by = word.text;
        const Found wanted = made->direction == Direction::inbound ? Found::inbound : Found::outbound;
        if (found->second == wanted) return true;
        if (found->second != Found::broken)
            diagnostics_.report(
                Code::wrong_kind, word.span,
                fmt::format("this rule is {}", found->second == Found::inbound ? "inbound" : "outbound"));
        return false;
    }

    bool read_with(const ast::Expectation& from, Expectation* made) {
        bool good = true;
        std::unordered_map<unsigned, Span> given;
        for (const ast::With& each : from.with) {
            const auto source = find_source(each.source);
            const auto prefix = read_prefix(each.prefix, &diagnostics_);
            good &= source && prefix && check_source(*source, each) &&
                    check_length(*source, *prefix, each.prefix);
            if (!source || !prefix) continue;
            const auto [first, is_new] = given.try_emplace(*source, each.source.span);
            if (!is_new)
                diagnostics_.report(Code::given_twice, each.source.span, "given again")
                    .and_at(first->second, "first given here");
            good &= is_new;
            made->with.push_back({*source, *prefix});
        }
        return good;
    }

    std::optional<unsigned> find_source(const ast::Word& word) {
        std::vector<std::string> names;
        for (const PrefixSource& source : policy_.uplink.sources)
            names.push_back(fmt::format("{}.{}", policy_.uplink.name, source.name));
        const auto found = std::find(names.begin(), names.end(), word.text);
        if (found != names.end()) return static_cast<unsigned>(found - names.begin());
        const auto broken = [](const ast::Uplink& uplink) { return uplink.broken; };
        if (std::any_of(file_.uplinks.begin(), file_.uplinks.end(), broken)) return std::nullopt;
        diagnostics_.report(Code::unknown_name, word.span, "no prefix has this name")
            .with_help(did_you_mean(word.text, {names.begin(), names.end()}));
        return std::nullopt;
    }

    bool check_source(unsigned source, const ast::With& with) {
        const auto* fixed = std::get_if<Static>(&policy_.uplink.sources[source].from);
        if (!fixed) return true;
        diagnostics_
            .report(Code::fixed_prefix, with.source.span,
                    fmt::format("it is {} in every test", to_string(fixed->prefix)))
            .with_help("leave the `with` out");
        return false;
    }

    bool check_length(unsigned source, const Ipv6Prefix& prefix, const ast::Word& word) {
        const bool delegated = std::holds_alternative<FromDhcpv6Pd>(policy_.uplink.sources[source].from);
        const unsigned least = delegated ? 48 : 64;
        if (prefix.length() >= least && prefix.length() <= 64) return true;
        diagnostics_.report(
            Code::out_of_range, word.span,
            delegated ? "a delegation has a length of 48 to 64" : "this prefix is always a /64");
        return false;
    }

    // ---- both

    std::optional<Traffic> read(const ast::Traffic& from) {
        ResolvedTraffic read = resolve_traffic(from, &definitions_, env_, &diagnostics_);
        if (!read.good || from.broken) return std::nullopt;
        return std::move(read.traffic);
    }

    const ast::File& file_;
    const SourceMap& sources_;
    const Environment& env_;
    Definitions& definitions_;
    Diagnostics& diagnostics_;
    Policy& policy_;
    ClaimOrigins origins_;
    std::unordered_map<std::string_view, Found> rules_;
    bool collected_ = false;
    std::unordered_map<std::string_view, Span> protect_names_, test_names_;
};

}  // namespace

ClaimOrigins resolve_claims(const ast::File& file, const SourceMap& sources, const Environment& env,
                            Definitions* definitions, Diagnostics* diagnostics, Policy* policy) {
    return ClaimResolver(file, sources, env, definitions, diagnostics, policy).run();
}

}  // namespace dishwall
