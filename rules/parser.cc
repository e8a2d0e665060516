// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parser.h"

#include <utility>

#include "rules/cursor.h"
#include "rules/names.h"
#include "rules/parse_claims.h"
#include "rules/parse_definitions.h"
#include "rules/parse_dns.h"
#include "rules/parse_policy.h"
#include "rules/parse_uplink.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

class Parser {
public:
    Parser(TokenList tokens, const SourceFile& file, const ParseOptions& options, ast::File* tree,
           Diagnostics* diagnostics)
        : tokens_(std::move(tokens)),
          cursor_(tokens_, file, &tree->written, diagnostics),
          diagnostics_(*diagnostics),
          options_(options),
          tree_(*tree) {}

    bool run() {
        cursor_.skip_separators();
        if (!version()) return false;
        for (cursor_.skip_separators(); !cursor_.at(Kind::end) && !diagnostics_.hopeless();
             cursor_.skip_separators())
            top_statement();
        return !diagnostics_.hopeless();
    }

private:
    // False: the rest cannot be understood.
    bool version() {
        cursor_.begin_statement();
        const Span first = cursor_.peek().span;
        if (!cursor_.accept_word("version")) {
            if (cursor_.at(Kind::word) && !opens_top_statement(cursor_.peek().text) &&
                nearest(cursor_.peek().text, {"version"})) {
                diagnostics_.report(Code::unknown_keyword, first, "expected the version")
                    .with_help("did you mean `version`?");
                cursor_.take();
            } else {
                if (options_.needs_version)
                    diagnostics_.report(Code::version_missing, first, "before this")
                        .with_help("write `version 1` as the first line");
                return true;
            }
        }
        version_ = first;
        const auto number = cursor_.expect_word("a version number");
        if (number && number->text != "1") {
            diagnostics_.report(Code::version_unknown, number->span, "this dishwall understands version 1");
            return false;
        }
        cursor_.end_statement(number.has_value());
        return true;
    }

    void top_statement() {
        cursor_.begin_statement();
        const Token token = cursor_.peek();
        if (token.kind == Kind::close) {
            diagnostics_.report(Code::syntax, token.span, "closes nothing");
            cursor_.take();
            return;
        }
        if (token.kind != Kind::word) {
            cursor_.unexpected("a statement");
            cursor_.skip_statement();
            return;
        }
        dispatch(cursor_.take_word());
    }

    void dispatch(const ast::Word& keyword) {
        if (defines_a_name(keyword.text))
            parse_definition(cursor_, keyword.text, &tree_);
        else if (keyword.text == "uplink")
            parse_uplink(cursor_, keyword, &tree_);
        else if (keyword.text == "policy")
            parse_policy(cursor_, keyword, options_.two_threads, &tree_);
        else if (keyword.text == "dns-update")
            parse_dns_update(cursor_, keyword, &tree_);
        else if (keyword.text == "protect")
            parse_protect(cursor_, keyword, &tree_);
        else if (keyword.text == "test")
            parse_test(cursor_, keyword, &tree_);
        else if (keyword.text == "include")
            include();
        else if (keyword.text == "version")
            version_again(keyword);
        else
            unknown_statement(keyword);
    }

    void version_again(const ast::Word& keyword) {
        Diagnostic& report = diagnostics_.report(Code::given_twice, keyword.span, "once, as the first line");
        if (version_) report.and_at(*version_, "first given here");
        cursor_.skip_statement();
    }

    // A misspelt keyword is reported and then read as the one that was meant.
    void unknown_statement(const ast::Word& keyword) {
        Diagnostic& report = diagnostics_.report(Code::unknown_keyword, keyword.span, "expected a statement");
        const auto meant = nearest(keyword.text, top_keywords());
        if (opens_policy_statement(keyword.text)) {
            report.with_help("rules stand in a `policy inbound on UPLINK { ... }` block");
        } else if (meant) {
            report.with_help(did_you_mean(keyword.text, top_keywords()));
            if (*meant != "version") return dispatch({*meant, keyword.span});
        }
        cursor_.skip_statement();
    }

    // include "PATH"
    void include() {
        const bool quoted = cursor_.at(Kind::string);
        const ast::Word path = quoted ? cursor_.take_word() : ast::Word{};
        if (!quoted) cursor_.unexpected("a path in quotes");
        if (cursor_.end_statement(quoted))
            options_.include(path);
        else
            tree_.incomplete = true;
    }

    TokenList tokens_;
    Cursor cursor_;
    Diagnostics& diagnostics_;
    const ParseOptions& options_;
    ast::File& tree_;
    std::optional<Span> version_;
};

}  // namespace

bool parse(TokenList tokens, const SourceFile& file, const ParseOptions& options, ast::File* tree,
           Diagnostics* diagnostics) {
    return Parser(std::move(tokens), file, options, tree, diagnostics).run();
}

}  // namespace dishwall
