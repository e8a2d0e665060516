// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "rules/definitions.h"
#include "rules/names.h"
#include "rules/resolve_dns.h"
#include "rules/resolve_uplink.h"

namespace dishwall {
namespace {

std::optional<dw_verdict> verdict_of(std::string_view word) {
    if (word == "accept") return DW_ACCEPT;
    if (word == "drop") return DW_DROP;
    if (word == "reject") return DW_REJECT;
    if (word == "reject-late") return DW_REJECT_LATE;
    if (word == "audit") return DW_AUDIT;
    return std::nullopt;
}

// `file:line` is how unnamed rules are called, so a given name has no colon.
bool is_rule_name(std::string_view text) {
    const auto is_bad = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f || byte >= 0x80 || c == ':';
    };
    return !text.empty() && text.size() <= kLongestName && std::none_of(text.begin(), text.end(), is_bad);
}

class Resolver {
public:
    Resolver(const ast::File& file, const SourceMap& sources, const Environment& env,
             Diagnostics* diagnostics)
        : file_(file),
          sources_(sources),
          env_(env),
          diagnostics_(*diagnostics),
          definitions_(file, sources, env, diagnostics) {}

    Resolved run() {
        result_.policy.uplink = resolve_uplink(file_, sources_, &diagnostics_);
        result_.policy.outbound.default_verdict = DW_ACCEPT;
        definitions_.define_all(&result_.policy);
        for (const ast::Policy& policy : file_.policies) add(policy);
        resolve_dns_updates(file_, sources_, env_, &definitions_, &diagnostics_, &result_.policy);
        return std::move(result_);
    }

private:
    void add(const ast::Policy& policy) {
        check_uplink(policy.uplink);
        const bool inbound = policy.direction.text == "inbound";
        if (!inbound && policy.direction.text != "outbound") {
            diagnostics_.report(Code::unknown_keyword, policy.direction.span, "expected a direction")
                .with_help("`inbound` or `outbound`");
            return;
        }
        const ast::Policy*& first = inbound ? first_inbound_ : first_outbound_;
        if (first)
            diagnostics_.report(Code::given_twice, policy.span, "given again")
                .and_at(first->span, "first given here")
                .with_help("write all rules of a direction into one block");
        else
            first = &policy;
        outbound_ = !inbound;
        Chain& chain = inbound ? result_.policy.inbound : result_.policy.outbound;
        if (chain.place.line == 0) chain.place = sources_.place(policy.span);
        read_default(policy, &chain);
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

    void read_default(const ast::Policy& policy, Chain* chain) {
        for (std::size_t i = 1; i < policy.defaults.size(); ++i)
            diagnostics_.report(Code::given_twice, policy.defaults[i].span, "given again")
                .and_at(policy.defaults[0].span, "first given here");
        if (policy.defaults.empty()) return;
        const ast::Word& word = policy.defaults[0].verdict;
        const auto verdict = verdict_of(word.text);
        if (!verdict)
            diagnostics_.report(Code::unknown_keyword, word.span, "expected a verdict")
                .with_help(did_you_mean(word.text, {"accept", "drop", "reject", "reject-late"}));
        else if (*verdict == DW_AUDIT)
            diagnostics_.report(Code::undecided_default, word.span, "`audit` goes on to the next rule")
                .with_help("`default` is `accept`, `drop`, `reject` or `reject-late`");
        else if (check_direction(word))
            chain->default_verdict = *verdict;
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
        if (rules_++ == DW_RULES_MAX) {
            diagnostics_.report(Code::over_limit, from.span,
                                fmt::format("a file has at most {} rules", DW_RULES_MAX));
            return false;
        }
        Rule rule;
        rule.place = sources_.place(from.span);
        rule.log = from.log;
        bool good = read_name(from, &rule) && !from.broken;
        good &= check_direction(from.verdict);
        rule.verdict = verdict_of(from.verdict.text).value_or(DW_DROP);
        const auto match = definitions_.read_match(from.match);
        good &= match != nullptr;
        good &= read_from_ports(from, match.get(), &rule);
        good &= read_end(from.from, &rule.from);
        good &= read_end(from.to, &rule.to);
        good &= check_independent(from, match.get());
        rule.endpoint_independent = from.endpoint_independent.has_value();
        // In the image each port is paired with each port of the sender.
        const std::size_t senders = std::max<std::size_t>(rule.from_ports.size(), 1);
        if (!good || !definitions_.spend_elements(match->elements() * senders, from.span)) return true;
        rule.match = match->alternatives;
        chain->rules.push_back(std::move(rule));
        (outbound_ ? result_.outbound : result_.inbound).push_back({&from, match});
        return true;
    }

    bool read_end(const std::optional<ast::Address>& address, AddressSet* set) {
        if (!address) return true;
        auto read = definitions_.read_address(*address);
        if (!read) return false;
        *set = std::move(*read);
        return set->any || definitions_.spend_elements(set->include.size(), address->span);
    }

    bool read_from_ports(const ast::Rule& from, const ResolvedMatch* match, Rule* rule) {
        if (from.from_ports.empty() || !match) return true;
        for (const ProtocolMatch& each : match->alternatives) {
            if (!each.proto || has_ports(*each.proto)) continue;
            diagnostics_.report(Code::no_ports, from.from_ports.front().span, "a port is asked for here")
                .and_at(from.match.span, "this is not tcp, udp or sctp alone");
            return false;
        }
        const bool one = from.match.kind == ast::Match::Kind::ports;
        auto ports = resolve_ports(from.from_ports, one ? from.match.keyword.text : "", env_, &diagnostics_);
        if (!ports) return false;
        rule->from_ports = std::move(*ports);
        return true;
    }

    // It opens a port of an inside host to everybody (R23), so it is never taken where it would mean nothing.
    bool check_independent(const ast::Rule& from, const ResolvedMatch* match) {
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
        if (!match || std::none_of(match->alternatives.begin(), match->alternatives.end(), is_other))
            return true;
        diagnostics_.report(Code::does_not_fit, word, "only tcp and udp ports can be kept open")
            .and_at(from.match.span, "this is not tcp or udp alone")
            .with_help("give tcp and udp a rule of their own");
        return false;
    }

    bool read_name(const ast::Rule& from, Rule* rule) {
        if (!from.name) {
            rule->name = name_by_place(rule->place);
            return true;
        }
        rule->name = from.name->text;
        rule->named = true;
        if (!is_rule_name(rule->name)) {
            diagnostics_.report(Code::bad_name, from.name->span,
                                fmt::format("1 to {} printable ASCII characters, no `:`", kLongestName));
            return false;
        }
        const auto [first, is_new] = rule_names_.try_emplace(from.name->text, from.name->span);
        if (is_new) return true;
        diagnostics_.report(Code::duplicate_name, from.name->span, "defined again")
            .and_at(first->second, "first defined here");
        return false;
    }

    // dishwall.conf:31; for a second unnamed rule on the line dishwall.conf:31:20.
    std::string name_by_place(const Place& place) {
        const std::string base = place.file.substr(place.file.rfind('/') + 1);
        const bool first = unnamed_lines_.insert(place.line).second;
        return first ? fmt::format("{}:{}", base, place.line)
                     : fmt::format("{}:{}:{}", base, place.line, place.column);
    }

    const ast::File& file_;
    const SourceMap& sources_;
    const Environment& env_;
    Diagnostics& diagnostics_;
    Definitions definitions_;
    Resolved result_;
    const ast::Policy* first_inbound_ = nullptr;
    const ast::Policy* first_outbound_ = nullptr;
    bool outbound_ = false;  // of the policy being read
    std::size_t rules_ = 0;
    std::unordered_map<std::string_view, Span> rule_names_;
    std::set<unsigned> unnamed_lines_;
};

}  // namespace

Resolved resolve(const ast::File& file, const SourceMap& sources, const Environment& env,
                 Diagnostics* diagnostics) {
    return Resolver(file, sources, env, diagnostics).run();
}

}  // namespace dishwall
