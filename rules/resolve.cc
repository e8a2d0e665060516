// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "rules/definitions.h"
#include "rules/large_room.h"
#include "rules/literal.h"
#include "rules/names.h"
#include "rules/resolve_claims.h"
#include "rules/resolve_dns.h"
#include "rules/resolve_rate.h"
#include "rules/resolve_traffic.h"
#include "rules/resolve_uplink.h"
#include "rules/rule_names.h"

namespace dishwall {
namespace {

constexpr std::uint64_t kLeastSample = 1'000'000;

class Resolver {
public:
    Resolver(const ast::File& file, SourceMap* sources, const Environment& env, Diagnostics* diagnostics)
        : file_(file),
          sources_(*sources),
          env_(env),
          diagnostics_(*diagnostics),
          places_(*sources),
          rule_names_(*sources, diagnostics),
          definitions_(file, sources, env, diagnostics) {}

    Resolved run() {
        result_.policy.uplink = resolve_uplink(file_, sources_, &diagnostics_);
        result_.policy.outbound.default_verdict = DW_ACCEPT;
        definitions_.define_all(&result_.policy);
        reserve();
        for (const ast::Policy& policy : file_.policies) add(policy);
        result_.claims = resolve_claims(file_, sources_, env_, &definitions_, &diagnostics_, &result_.policy);
        resolve_dns_updates(file_, sources_, env_, &definitions_, &diagnostics_, &result_.policy);
        return std::move(result_);
    }

private:
    // Of the blocks that a predicate holds for, as far as they are read.
    template <typename Predicate>
    static std::size_t count_rules(const ast::File& file, Predicate counts) {
        std::size_t count = 0;
        for (const ast::Policy& policy : file.policies) count += counts(policy) ? policy.rules.size() : 0;
        return std::min<std::size_t>(count, DW_RULES_MAX);
    }

    void reserve() {
        const auto is_inbound = [](const ast::Policy& policy) { return policy.direction.text == "inbound"; };
        const std::size_t inbound = count_rules(file_, is_inbound);
        const std::size_t outbound = count_rules(file_, std::not_fn(is_inbound));
        reserve_room(env_.will_fill, inbound, &result_.policy.inbound.rules);
        reserve_room(env_.will_fill, outbound, &result_.policy.outbound.rules);
        result_.inbound.reserve(inbound);
        result_.outbound.reserve(outbound);
    }

    void add(const ast::Policy& policy) {
        if (!policy.goes_on) check_uplink(policy.uplink);
        const bool inbound = policy.direction.text == "inbound";
        if (!inbound && policy.direction.text != "outbound") {
            if (policy.goes_on) return;
            diagnostics_.report(Code::unknown_keyword, policy.direction.span, "expected a direction")
                .with_help("`inbound` or `outbound`");
            return;
        }
        outbound_ = !inbound;
        Chain& chain = inbound ? result_.policy.inbound : result_.policy.outbound;
        if (chain.place.line == 0) chain.place = sources_.place(policy.span);
        read_default(policy, &chain);
        read_log_sample(policy, &chain);
        for (const ast::Rule& rule : policy.rules)
            if (!add(rule, &chain)) return;
    }

    void check_uplink(const ast::Word& name) {
        std::vector<std::string_view> known;
        for (const ast::Uplink& uplink : file_.uplinks) {
            if (uplink.name.text.empty()) return;  // complained about already
            known.push_back(uplink.name.text);
        }
        if (known.empty() || std::find(known.begin(), known.end(), name.text) != known.end()) return;
        diagnostics_.report(Code::unknown_name, name.span, "no uplink has this name")
            .with_help(did_you_mean(name.text, known));
    }

    // The first of a block. A direction may have several blocks, and they may say the same.
    template <typename Statement>
    const Statement* first_of(const std::vector<Statement>& said) {
        for (std::size_t i = 1; i < said.size(); ++i)
            diagnostics_.report(Code::given_twice, said[i].span, "given again")
                .and_at(said[0].span, "first given here");
        return said.empty() ? nullptr : &said[0];
    }

    // Is it the first word on this in all blocks of the direction, or the same again?
    template <typename Value>
    bool agrees(std::optional<std::pair<Span, Value>>* before, const Span& span, Value value) {
        if (!*before) *before = std::pair(span, value);
        if ((*before)->second == value) return true;
        diagnostics_.report(Code::given_twice, span, "an earlier block says otherwise")
            .and_at((*before)->first, "here");
        return false;
    }

    void read_default(const ast::Policy& policy, Chain* chain) {
        const ast::Default* said = first_of(policy.defaults);
        if (!said) return;
        const ast::Word& word = said->verdict;
        const auto verdict = verdict_of(word.text);
        if (!verdict)
            diagnostics_.report(Code::unknown_keyword, word.span, "expected a verdict")
                .with_help(did_you_mean(word.text, {"accept", "drop", "reject", "reject-late"}));
        else if (*verdict == DW_AUDIT)
            diagnostics_.report(Code::undecided_default, word.span, "`audit` goes on to the next rule")
                .with_help("`default` is `accept`, `drop`, `reject` or `reject-late`");
        else if (check_direction(word) && agrees(&defaults_[outbound_], said->span, *verdict))
            chain->default_verdict = *verdict;
    }

    // log sample 1/N
    void read_log_sample(const ast::Policy& policy, Chain* chain) {
        const ast::LogSample* said = first_of(policy.log_samples);
        if (!said) return;
        const std::string_view text = said->fraction.text;
        const auto number = text.substr(0, 2) == "1/" ? parse_number(text.substr(2)) : std::nullopt;
        if (!number || *number < 1 || *number > kLeastSample)
            diagnostics_
                .report(Code::bad_fraction, said->fraction.span, fmt::format("1/1 to 1/{}", kLeastSample))
                .with_help("1/100 reports one in a hundred of the packets that would be reported");
        else if (agrees(&samples_[outbound_], said->span, static_cast<std::uint32_t>(*number)))
            chain->log_sample = static_cast<std::uint32_t>(*number);
    }

    // To whom would an outbound packet be rejected? To a host inside; that way is not built.
    bool check_direction(const ast::Word& verdict) {
        if (!outbound_ || (verdict.text != "reject" && verdict.text != "reject-late")) return true;
        diagnostics_
            .report(Code::not_supported, verdict.span,
                    fmt::format("`{}` outbound is not supported yet", verdict.text))
            .with_help("use `drop`");
        return false;
    }

    // ---- rules

    // False: there are too many, and no more are wanted.
    bool add(const ast::Rule& from, Chain* chain) {
        if (rules_++ >= DW_RULES_MAX) {
            if (rules_ == DW_RULES_MAX + 1)
                diagnostics_.report(Code::over_limit, from.span,
                                    fmt::format("a file has at most {} rules", DW_RULES_MAX));
            return false;
        }
        Rule& rule = chain->rules.emplace_back();
        rule.place = places_(from.span);
        rule.log = from.log;
        bool good = rule_names_.name(from, &rule) && !from.broken;
        good &= check_direction(from.verdict);
        rule.verdict = verdict_of(from.verdict.text).value_or(DW_DROP);
        std::shared_ptr<const ResolvedService> service;
        good &= resolve_traffic(from, &definitions_, env_, &diagnostics_, &rule, &service);
        good &= read_rate(from, &rule);
        good &= read_inspect(from, &rule);
        good &= check_independent(from, rule);
        rule.endpoint_independent = from.endpoint_independent.has_value();
        if (good)
            (outbound_ ? result_.outbound : result_.inbound).push_back({&from, std::move(service)});
        else
            chain->rules.pop_back();
        return true;
    }

    // It opens a port of an inside host to everybody (R23), so it is never taken where it would mean nothing.
    bool check_independent(const ast::Rule& from, const Rule& rule) {
        if (!from.endpoint_independent) return true;
        const Span& word = *from.endpoint_independent;
        if (!outbound_) {
            diagnostics_
                .report(Code::does_not_fit, word, "only flows from inside can be opened to every peer")
                .with_help("write it into the rule of `policy outbound` that opens these flows");
            return false;
        }
        if (from.verdict.text != "accept") {
            diagnostics_.report(Code::does_not_fit, word, "only an `accept` opens flows")
                .and_at(from.verdict.span, "this one does not")
                .with_help("leave it out here");
            return false;
        }
        const auto is_other = [](const ProtocolMatch& each) {
            return each.proto && *each.proto != IPPROTO_TCP && *each.proto != IPPROTO_UDP;
        };
        if (std::none_of(rule.match.begin(), rule.match.end(), is_other)) return true;
        diagnostics_.report(Code::does_not_fit, word, "only tcp and udp ports can be kept open")
            .and_at(from.match.span, "this is not tcp or udp alone")
            .with_help("give tcp and udp a rule of their own");
        return false;
    }

    bool read_rate(const ast::Rule& from, Rule* rule) {
        if (!from.rate) return true;
        rule->rate = resolve_rate(*from.rate, &diagnostics_);
        if (rule->rate && rule->verdict != DW_ACCEPT && rule->verdict != DW_AUDIT)
            diagnostics_
                .report(Code::limited_drop, from.rate->span, "the packets over it go on to the next rule")
                .with_help(
                    "to stop what is over a rate: `accept ... rate N/UNIT`, and a `drop` of the same below "
                    "it");
        return rule->rate.has_value();
    }

    bool read_inspect(const ast::Rule& from, Rule* rule) {
        if (!from.inspect) return true;
        const ast::Inspect& said = *from.inspect;
        if (rule->verdict != DW_ACCEPT) {
            diagnostics_.report(Code::does_not_fit, said.span, "only an `accept` is worth an inspection")
                .and_at(from.verdict.span, "this one lets nothing in")
                .with_help("leave it out here");
            return false;
        }
        const bool accepts = said.on_failure && said.on_failure->text == "accept";
        if (said.on_failure && !accepts && said.on_failure->text != "drop") {
            diagnostics_.report(Code::unknown_keyword, said.on_failure->span, "expected a verdict")
                .with_help("`on-failure accept` or `on-failure drop`");
            return false;
        }
        const auto signatures = definitions_.read_signatures(said.signatures);
        if (!signatures) return false;
        if (!env_.inspects) {
            diagnostics_.report(Code::no_inspector, said.span, "dishwall was built without its inspector")
                .with_help("leave it out, or build where DPDK and Hyperscan are installed");
            return false;
        }
        if (result_.policy.uplink.vlan) {
            diagnostics_
                .report(Code::not_supported, said.span,
                        "the uplink's frames carry a VLAN tag: they cannot be inspected")
                .with_help("leave it out here");
            return false;
        }
        rule->inspect = Inspect{*signatures, accepts};
        return true;
    }

    const ast::File& file_;
    const SourceMap& sources_;
    const Environment& env_;
    Diagnostics& diagnostics_;
    PlacesInOrder places_;
    RuleNames rule_names_;
    Definitions definitions_;
    Resolved result_;
    bool outbound_ = false;  // of the policy being read
    std::optional<std::pair<Span, dw_verdict>> defaults_[2];
    std::optional<std::pair<Span, std::uint32_t>> samples_[2];
    std::size_t rules_ = 0;
};

}  // namespace

Resolved resolve(const ast::File& file, SourceMap* sources, const Environment& env,
                 Diagnostics* diagnostics) {
    return Resolver(file, sources, env, diagnostics).run();
}

}  // namespace dishwall
