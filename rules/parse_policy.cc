// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_policy.h"

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "rules/names.h"
#include "rules/parse_rule.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

constexpr std::size_t kTreeForAToken = 52;  // bytes; a rule of six tokens takes 300

class PolicyParser {
public:
    PolicyParser(Cursor& cursor, ast::File* tree)
        : cursor_(cursor), diagnostics_(cursor.diagnostics()), tree_(*tree) {}

    // policy inbound|outbound on UPLINK { ... }
    void policy(const ast::Word& keyword, bool two_threads) {
        ast::Policy policy(tree_.arena.get());
        const bool header_read = policy_header(&policy);
        policy.span = join(keyword.span, cursor_.last_span());
        if (!cursor_.find_block(header_read)) return;
        if (two_threads && header_read && read_in_halves(policy)) return;
        cursor_.read_block(policy.span, [&] { policy_statement(&policy); });
        if (header_read) tree_.policies.push_back(std::move(policy));
    }

private:
    // One half of a block, by a reader of its own.
    struct Half {
        Half(const Cursor& whole, std::size_t begin, std::size_t tokens, ast::File* tree)
            : tree(tree),
              arena(std::make_unique<std::pmr::monotonic_buffer_resource>(
                  kTreeForAToken * tokens,
                  tree->rooms ? tree->rooms.get() : std::pmr::new_delete_resource())),
              policy(arena.get()),
              cursor(whole, begin, &written, &diagnostics) {}

        void read(std::size_t stop, const Span& header) {
            PolicyParser parser(cursor, tree);
            good = cursor.read_part(stop, header, [&] { parser.policy_statement(&policy); });
        }

        ast::File* tree;
        std::unique_ptr<std::pmr::monotonic_buffer_resource> arena;
        ast::Policy policy;
        ast::Written written;
        Diagnostics diagnostics;
        Cursor cursor;
        bool good = false;
    };

    // A block of 100,000 rules is read by two threads, if all is well in it. False: nothing has happened, and
    // one reader has to say what is wrong: what he finds may depend on all that stands before it.
    bool read_in_halves(const ast::Policy& header) {
        const auto middle = cursor_.middle_of_block();
        if (!middle || !diagnostics_.empty()) return false;
        const std::size_t begin = cursor_.place() + 1, tokens = *middle - begin;
        Half first(cursor_, begin, tokens, &tree_), second(cursor_, *middle + 1, tokens, &tree_);
        std::thread other;
        try {
            other = std::thread([&] { second.read(std::numeric_limits<std::size_t>::max(), header.span); });
        } catch (const std::system_error&) {  // no thread is to be had
            return false;
        }
        first.read(*middle, header.span);
        other.join();
        if (!first.good || !second.good || !cursor_.go_behind(second.cursor, first.written, second.written))
            return false;
        keep(header, &first, &second);
        cursor_.begin_statement();
        cursor_.end_statement(true);
        return true;
    }

    void keep(const ast::Policy& header, Half* first, Half* second) {
        ast::Policy &one = first->policy, &other = second->policy;
        one.defaults.insert(one.defaults.end(), other.defaults.begin(), other.defaults.end());
        one.log_samples.insert(one.log_samples.end(), other.log_samples.begin(), other.log_samples.end());
        other.defaults.clear();
        other.log_samples.clear();
        other.goes_on = true;
        for (Half* half : {first, second}) {
            half->policy.direction = header.direction;
            half->policy.uplink = header.uplink;
            half->policy.span = header.span;
            tree_.policies.push_back(std::move(half->policy));
            tree_.more_arenas.push_back(std::move(half->arena));
        }
    }

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

void parse_policy(Cursor& cursor, const ast::Word& keyword, bool two_threads, ast::File* tree) {
    PolicyParser(cursor, tree).policy(keyword, two_threads);
}

}  // namespace dishwall
