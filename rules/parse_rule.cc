// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rules/parse_traffic.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

// Words that stand inside a clause only.
constexpr std::pair<std::string_view, std::string_view> kParts[] = {
    {"burst", "rate"}, {"per", "rate"}, {"on-failure", "inspect"}};

class RuleParser {
public:
    RuleParser(Cursor& cursor, ast::Rule* rule) : cursor_(cursor), rule_(*rule) {}

    bool run() {
        rule_.verdict = cursor_.take_word();
        if (!match()) return false;
        while (!cursor_.at_statement_end())
            if (!clause()) return false;
        rule_.span = join(rule_.verdict.span, cursor_.last_span());
        return true;
    }

private:
    bool match() {
        rule_.match.span = rule_.verdict.span;
        if (!at_match(cursor_)) return true;
        auto match = parse_match(cursor_);
        if (match) rule_.match = std::move(*match);
        return match.has_value();
    }

    bool clause() {
        const Token token = cursor_.peek();
        const auto place = token.kind == Kind::word
                               ? std::find(rule_clauses().begin(), rule_clauses().end(), token.text)
                               : rule_clauses().end();
        if (place == rule_clauses().end()) return unknown_clause();
        const ast::Word keyword = cursor_.take_word();
        check_order(keyword, place - rule_clauses().begin());
        if (keyword.text == "from") return parse_from(cursor_, &rule_.from, &rule_.from_ports);
        if (keyword.text == "to") return (rule_.to = parse_address(cursor_)).has_value();
        if (keyword.text == "rate") return rate(keyword);
        if (keyword.text == "inspect") return inspect(keyword);
        if (keyword.text == "log") return rule_.log = true;
        if (keyword.text == "endpoint-independent") {
            rule_.endpoint_independent = keyword.span;
            return true;
        }
        return name();
    }

    bool unknown_clause() {
        if (cursor_.at_word("port")) {
            cursor_.unexpected("the next part of the rule")
                .with_help("the destination's ports follow the protocol: `tcp 443 to nas`");
            return false;
        }
        for (const auto& [part, clause] : kParts) {
            if (!cursor_.at_word(part)) continue;
            cursor_.unexpected("the next part of the rule")
                .with_help(fmt::format("`{}` is a part of `{}`", part, clause));
            return false;
        }
        report_unknown_word(cursor_, rule_clauses(),
                            "`from`, `to`, `rate`, `inspect`, `log`, `name` or the end of the line");
        return false;
    }

    void check_order(const ast::Word& keyword, std::ptrdiff_t rank) {
        if (rank > rank_) {
            rank_ = rank;
            last_clause_ = keyword;
            return;
        }
        rule_.broken = true;
        if (rank == rank_) {
            cursor_.diagnostics()
                .report(Code::given_twice, keyword.span, "given again")
                .and_at(last_clause_.span, "first given here");
            return;
        }
        cursor_.diagnostics()
            .report(Code::clause_order, keyword.span,
                    fmt::format("`{}` comes before `{}`", keyword.text, last_clause_.text))
            .and_at(last_clause_.span, "after this")
            .with_help(
                "VERDICT MATCH from ADDRESS port PORTS to ADDRESS rate N/UNIT inspect NAME "
                "endpoint-independent log name NAME");
    }

    // A word that does not open the next part of the rule.
    std::optional<ast::Word> value(std::string_view what) {
        if (!cursor_.at(Kind::word) || !opens_clause(cursor_.peek().text)) return cursor_.expect_word(what);
        cursor_.unexpected(what);
        return std::nullopt;
    }

    // rate N/UNIT [burst N] [per source[/LEN]]
    bool rate(const ast::Word& keyword) {
        const auto amount = value("a rate, such as 10/s");
        if (!amount) return false;
        ast::Rate rate{*amount, std::nullopt, std::nullopt, {}};
        while (cursor_.at_word("burst") || cursor_.at_word("per")) {
            const ast::Word part = cursor_.take_word();
            std::optional<ast::Word>& given = part.text == "burst" ? rate.burst : rate.per;
            if (given) {
                cursor_.diagnostics()
                    .report(Code::given_twice, part.span, "given again")
                    .and_at(given->span, "first given here");
                return false;
            }
            given = value(part.text == "burst" ? "a number of packets" : "`source` or `source/64`");
            if (!given) return false;
        }
        rate.span = join(keyword.span, cursor_.last_span());
        rule_.rate = rate;
        return true;
    }

    // inspect SIGNATURES [on-failure accept|drop]
    bool inspect(const ast::Word& keyword) {
        const auto signatures = value("a name given by `signatures`");
        if (!signatures) return false;
        ast::Inspect inspect{*signatures, std::nullopt, {}};
        if (cursor_.accept_word("on-failure") && !(inspect.on_failure = value("`accept` or `drop`")))
            return false;
        inspect.span = join(keyword.span, cursor_.last_span());
        rule_.inspect = inspect;
        return true;
    }

    bool name() {
        if (cursor_.at(Kind::string))
            rule_.name = cursor_.take_word();
        else
            rule_.name = cursor_.expect_word("a name");
        return rule_.name.has_value();
    }

    Cursor& cursor_;
    ast::Rule& rule_;
    std::ptrdiff_t rank_ = -1;
    ast::Word last_clause_;
};

}  // namespace

bool parse_rule(Cursor& cursor, ast::Rule* rule) { return RuleParser(cursor, rule).run(); }

}  // namespace dishwall
