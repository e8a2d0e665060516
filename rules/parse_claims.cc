// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_claims.h"

#include <fmt/format.h>

#include <utility>

#include "rules/names.h"
#include "rules/parse_traffic.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

const std::vector<std::string_view>& words_of_statement() {
    static const std::vector<std::string_view> words = {"with", "inbound", "outbound"};
    return words;
}

class ClaimParser {
public:
    explicit ClaimParser(Cursor& cursor) : cursor_(cursor), diagnostics_(cursor.diagnostics()) {}

    // [with UPLINK.PREFIX = LITERAL]... inbound|outbound TRAFFIC expect VERDICT [by NAME]
    std::optional<ast::Expectation> expectation() {
        ast::Expectation expectation;
        expectation.span = cursor_.peek().span;
        while (cursor_.accept_word("with")) {
            if (!with(&expectation)) return std::nullopt;
            cursor_.skip_newlines();
        }
        if (!direction(&expectation)) return std::nullopt;
        auto read = parse_traffic(cursor_);
        if (!read) return std::nullopt;
        expectation.traffic = std::move(*read);
        if (!expect(&expectation)) return std::nullopt;
        expectation.span = join(expectation.span, cursor_.last_span());
        return expectation;
    }

private:
    bool with(ast::Expectation* expectation) {
        const auto source = cursor_.expect_word("a prefix, such as dish.pd");
        if (!source || !cursor_.expect(Kind::equals, "`=`")) return false;
        const auto prefix = cursor_.expect_word("a prefix, such as 2001:db8::/56");
        if (prefix) expectation->with.push_back({*source, *prefix});
        return prefix.has_value();
    }

    bool direction(ast::Expectation* expectation) {
        if (cursor_.at_word("inbound") || cursor_.at_word("outbound")) {
            expectation->direction = cursor_.take_word();
            return true;
        }
        if (!cursor_.at(Kind::word)) {
            cursor_.unexpected("`inbound` or `outbound`");
            return false;
        }
        diagnostics_
            .report(Code::unknown_keyword, cursor_.peek().span, "expected `with`, `inbound` or `outbound`")
            .with_help(did_you_mean(cursor_.peek().text, words_of_statement()));
        return false;
    }

    bool expect(ast::Expectation* expectation) {
        if (!cursor_.accept_word("expect")) {
            cursor_.unexpected("`expect`")
                .with_help("`expect accept`, and the rule that has to decide: `expect accept by NAME`");
            return false;
        }
        const auto verdict = cursor_.expect_word("a verdict");
        if (!verdict) return false;
        expectation->verdict = *verdict;
        if (!cursor_.accept_word("by")) return true;
        expectation->by = cursor_.expect_text("a rule's name");
        return expectation->by.has_value();
    }

    Cursor& cursor_;
    Diagnostics& diagnostics_;
};

}  // namespace

void parse_protect(Cursor& cursor, const ast::Word& keyword, ast::File* tree) {
    const auto name = cursor.expect_text("a name");
    ast::Protect protect{name.value_or(ast::Word{}), {}, !name, join(keyword.span, cursor.last_span())};
    if (!cursor.find_block(name.has_value())) return;
    cursor.read_block(protect.span, [&] {
        cursor.count_claim();
        auto line = parse_traffic(cursor);
        if (cursor.end_statement(line.has_value()))
            protect.lines.push_back(std::move(*line));
        else
            protect.broken = true;
    });
    tree->protects.push_back(std::move(protect));
}

void parse_test(Cursor& cursor, const ast::Word& keyword, ast::File* tree) {
    const auto name = cursor.expect_text("a test's name, in quotes");
    ast::Test test{name.value_or(ast::Word{}), {}, !name, join(keyword.span, cursor.last_span())};
    if (!cursor.find_block(name.has_value())) return;
    cursor.read_block(test.span, [&] {
        cursor.count_claim();
        auto expectation = ClaimParser(cursor).expectation();
        if (cursor.end_statement(expectation.has_value()))
            test.expectations.push_back(std::move(*expectation));
        else
            test.broken = true;
    });
    tree->tests.push_back(std::move(test));
}

}  // namespace dishwall
