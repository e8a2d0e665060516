// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_policy.h"

#include <fmt/format.h>

#include <utility>

#include "rules/names.h"
#include "rules/parse_rule.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

class PolicyParser {
public:
    PolicyParser(Cursor& cursor, ast::File* tree)
        : cursor_(cursor), diagnostics_(cursor.diagnostics()), tree_(*tree) {}

    // policy inbound|outbound on UPLINK { ... }
    void policy(const ast::Word& keyword) {
        ast::Policy policy(tree_.arena.get());
        const bool header_read = policy_header(&policy);
        policy.span = join(keyword.span, cursor_.last_span());
        if (!cursor_.find_block(header_read)) return;
        cursor_.read_block(policy.span, [&] { policy_statement(&policy); });
        if (header_read) tree_.policies.push_back(std::move(policy));
    }

private:
    bool policy_header(ast::Policy* policy) {
        const auto direction = cursor_.expect_word("`inbound` or `outbound`");
        if (!direction || !cursor_.expect_word_is("on")) return false;
        const auto uplink = cursor_.expect_word("an uplink's name");
        if (!uplink) return false;
        policy->direction = *direction;
        policy->uplink = *uplink;
        return true;
    }

    void policy_statement(ast::Policy* policy) {
        const Token token = cursor_.peek();
        if (token.kind != Kind::word) {
            cursor_.unexpected("a rule");
            cursor_.skip_statement();
        } else if (token.text == "default") {
            cursor_.end_statement(default_verdict(policy));
        } else if (token.text == "log") {
            cursor_.end_statement(log_sample(policy));
        } else if (opens_policy_statement(token.text)) {
            rule(policy);
        } else {
            unknown_policy_statement(policy);
        }
    }

    // A misspelt verdict is reported, and the rest of the rule is checked all the same.
    void unknown_policy_statement(ast::Policy* policy) {
        const Token token = cursor_.peek();
        const bool other_language = token.text == "deny" || token.text == "block";
        const auto meant = other_language ? "drop" : nearest(token.text, policy_keywords());
        Diagnostic& report = diagnostics_.report(Code::unknown_keyword, token.span, "expected a rule");
        if (meant) report.with_help(fmt::format("did you mean `{}`?", *meant));
        if (!meant) {
            cursor_.skip_statement();
        } else if (*meant == "log") {
            cursor_.end_statement(log_sample(policy));
        } else if (*meant == "default") {
            cursor_.end_statement(default_verdict(policy));
        } else {
            if (rule(policy)) policy->rules.back().broken = true;
        }
    }

    bool rule(ast::Policy* policy) {
        const bool read = parse_rule(cursor_, &policy->rules.emplace_back());
        const bool good = cursor_.end_statement(read);
        if (!good) policy->rules.pop_back();
        return good;
    }

    bool default_verdict(ast::Policy* policy) {
        const Span keyword = cursor_.take().span;
        const auto verdict = cursor_.expect_word("a verdict");
        if (verdict) policy->defaults.push_back({*verdict, join(keyword, verdict->span)});
        return verdict.has_value();
    }

    // log sample 1/N
    bool log_sample(ast::Policy* policy) {
        const Span keyword = cursor_.take().span;
        if (!cursor_.accept_word("sample")) {
            cursor_.unexpected("`sample`")
                .with_help("`log sample 1/100` reports one packet in a hundred; `log` alone ends a rule");
            return false;
        }
        const auto fraction = cursor_.expect_word("a fraction, such as 1/100");
        if (fraction) policy->log_samples.push_back({*fraction, join(keyword, fraction->span)});
        return fraction.has_value();
    }

    Cursor& cursor_;
    Diagnostics& diagnostics_;
    ast::File& tree_;
};

}  // namespace

void parse_policy(Cursor& cursor, const ast::Word& keyword, ast::File* tree) {
    PolicyParser(cursor, tree).policy(keyword);
}

}  // namespace dishwall
