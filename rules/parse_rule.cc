// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "rules/names.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

constexpr unsigned kDeepest = 16;  // braces in braces

// The clauses of a rule, in the order they are written in.
const std::vector<std::string_view>& clauses() {
    static const std::vector<std::string_view> words = {
        "from", "to", "rate", "inspect", "endpoint-independent", "log", "name"};
    return words;
}

// Words that end PORTS and ADDRESS: they open the next part of the rule.
bool opens_clause(std::string_view word) {
    static constexpr std::string_view kParts[] = {"port", "burst", "per", "on-failure"};
    return std::find(clauses().begin(), clauses().end(), word) != clauses().end() ||
           std::find(std::begin(kParts), std::end(kParts), word) != std::end(kParts);
}

const std::vector<std::string_view>& words_after_verdict() {
    static const std::vector<std::string_view> words = {
        "tcp",  "udp",     "sctp",                 "icmpv6", "proto", "service", "from", "to",
        "rate", "inspect", "endpoint-independent", "log",    "name"};
    return words;
}

bool at_value(const Cursor& cursor) {
    return cursor.at(Kind::open) || (cursor.at(Kind::word) && !opens_clause(cursor.peek().text));
}

// `tcp form admins`: a word that is nearly a clause and is followed by what a clause takes is no service.
bool at_misspelt_clause(const Cursor& cursor) {
    const Token& next = cursor.peek_next();
    if (!cursor.at(Kind::word) || !(next.kind == Kind::word || next.kind == Kind::open)) return false;
    return !opens_clause(next.text) && nearest(cursor.peek().text, {"from", "to", "name"}).has_value();
}

// `otherwise` is the help when the word is near to no known one.
void report_unknown_word(Cursor& cursor, const std::vector<std::string_view>& known,
                         std::string_view expected, std::string_view otherwise = {}) {
    if (!cursor.at(Kind::word)) {
        cursor.unexpected(expected);
        return;
    }
    const Token& token = cursor.peek();
    std::string help = token.text == "icmp" ? "did you mean `icmpv6`?" : did_you_mean(token.text, known);
    cursor.diagnostics()
        .report(Code::unknown_keyword, token.span, fmt::format("expected {}", expected))
        .with_help(help.empty() ? std::string(otherwise) : std::move(help));
}

// A word, or words in braces.
std::optional<std::vector<ast::Word>> parse_values(Cursor& cursor, std::string_view what) {
    std::vector<ast::Word> values;
    if (!cursor.at(Kind::open)) {
        const auto word = cursor.expect_word(what);
        if (!word) return std::nullopt;
        values.push_back(*word);
        return values;
    }
    const Span open = cursor.peek().span;
    cursor.open_list();
    for (cursor.skip_newlines(); !cursor.at(Kind::close); cursor.skip_newlines()) {
        const auto word = cursor.expect_word(what);
        if (!word) return std::nullopt;
        values.push_back(*word);
        cursor.skip_newlines();
        if (!cursor.at(Kind::close) && !cursor.expect(Kind::comma, "`,` or `}`")) return std::nullopt;
    }
    const Span list = join(open, cursor.peek().span);
    cursor.close_list();
    if (!values.empty()) return values;
    cursor.diagnostics()
        .report(Code::matches_nothing, list, fmt::format("expected {} in it", what))
        .with_help("leave the braces out to match all");
    return std::nullopt;
}

bool all_of(std::string_view text, std::string_view allowed) {
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

ast::Address::Kind kind_of(std::string_view word) {
    using AddressKind = ast::Address::Kind;
    if (word == "any") return AddressKind::any;
    if (word == "self") return AddressKind::self;
    if (word.find_first_of(":/%") != std::string_view::npos) return AddressKind::literal;
    if (word.find('.') == std::string_view::npos) return AddressKind::name;
    return all_of(word, "0123456789.") ? AddressKind::literal : AddressKind::source;
}

// `feed NAME` is read to its end, so that the rest of the rule is checked as well.
ast::Address parse_feed(Cursor& cursor, bool* broken) {
    ast::Address address;
    address.kind = ast::Address::Kind::broken;
    address.span = cursor.take().span;
    if (cursor.at(Kind::word) && !opens_clause(cursor.peek().text))
        address.span = join(address.span, cursor.take().span);
    cursor.diagnostics().report(Code::not_supported, address.span, "feeds are not supported yet");
    *broken = true;
    return address;
}

std::optional<ast::Address> parse_address_at(Cursor& cursor, unsigned depth, bool* broken);

std::optional<ast::Address> parse_address_list(Cursor& cursor, unsigned depth, bool* broken) {
    ast::Address list;
    list.kind = ast::Address::Kind::list;
    list.span = cursor.peek().span;
    if (depth == kDeepest) {
        cursor.diagnostics()
            .report(Code::over_limit, list.span, fmt::format("braces can be nested {} deep", kDeepest))
            .with_help("give the inner part a name with `set`");
        return std::nullopt;
    }
    cursor.open_list();
    for (cursor.skip_newlines(); !cursor.at(Kind::close); cursor.skip_newlines()) {
        auto element = parse_address_at(cursor, depth + 1, broken);
        if (!element) return std::nullopt;
        list.elements.push_back(std::move(*element));
        cursor.skip_newlines();
        if (!cursor.at(Kind::close) && !cursor.expect(Kind::comma, "`,` or `}`")) return std::nullopt;
    }
    list.span = join(list.span, cursor.peek().span);
    cursor.close_list();
    return list;
}

std::optional<ast::Address> parse_address_at(Cursor& cursor, unsigned depth, bool* broken) {
    if (cursor.at_word("not")) {
        const Span word = cursor.take().span;
        if (cursor.at_word("not")) {
            cursor.unexpected("an address").with_help("`not` twice is nothing: leave both out");
            return std::nullopt;
        }
        auto address = parse_address_at(cursor, depth, broken);
        if (!address) return std::nullopt;
        address->negated = true;
        address->span = join(word, address->span);
        return address;
    }
    if (cursor.at(Kind::open)) return parse_address_list(cursor, depth, broken);
    if (cursor.at_word("feed")) return parse_feed(cursor, broken);
    if (cursor.at(Kind::word) && opens_clause(cursor.peek().text)) {
        Diagnostic& report = cursor.unexpected("an address");
        if (cursor.at_word("port")) report.with_help("any address: `from any port ...`");
        return std::nullopt;
    }
    const auto word = cursor.expect_word("an address");
    if (!word) return std::nullopt;
    ast::Address address;
    address.kind = kind_of(word->text);
    address.span = word->span;
    address.word = *word;
    return address;
}

// ---- a rule, clause by clause

class RuleParser {
public:
    explicit RuleParser(Cursor& cursor) : cursor_(cursor) {}

    std::optional<ast::Rule> run() {
        rule_.verdict = cursor_.take_word();
        if (!match()) return std::nullopt;
        while (!cursor_.at_statement_end())
            if (!clause()) return std::nullopt;
        rule_.span = join(rule_.verdict.span, cursor_.last_span());
        return std::move(rule_);
    }

private:
    bool match() {
        rule_.match.span = rule_.verdict.span;
        if (cursor_.at_statement_end()) return true;
        if (cursor_.at(Kind::word) && opens_clause(cursor_.peek().text)) return true;
        auto match = parse_match(cursor_);
        if (!match) return false;
        rule_.match = std::move(*match);
        return true;
    }

    bool clause() {
        const Token& token = cursor_.peek();
        const auto place = token.kind == Kind::word
                               ? std::find(clauses().begin(), clauses().end(), token.text)
                               : clauses().end();
        if (place == clauses().end()) return unknown_clause();
        const ast::Word keyword = cursor_.take_word();
        check_order(keyword, place - clauses().begin());
        if (keyword.text == "from") return from();
        if (keyword.text == "to") return to();
        if (keyword.text == "log") return rule_.log = true;
        if (keyword.text == "endpoint-independent") {
            rule_.endpoint_independent = keyword.span;
            return true;
        }
        if (keyword.text == "name") return name();
        return not_supported(keyword);
    }

    bool unknown_clause() {
        if (cursor_.at_word("port")) {
            cursor_.unexpected("the next part of the rule")
                .with_help("the destination's ports follow the protocol: `tcp 443 to nas`");
            return false;
        }
        if (cursor_.at(Kind::word) && opens_clause(cursor_.peek().text))
            return not_supported(cursor_.take_word());
        report_unknown_word(cursor_, clauses(), "`from`, `to`, `log`, `name` or the end of the line");
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
            .with_help("VERDICT MATCH from ADDRESS port PORTS to ADDRESS endpoint-independent log name NAME");
    }

    bool from() {
        auto address = parse_address(cursor_, &rule_.broken);
        if (!address) return false;
        rule_.from = std::move(*address);
        if (!cursor_.accept_word("port")) return true;
        auto ports = parse_values(cursor_, "a port");
        if (!ports) return false;
        rule_.from_ports = std::move(*ports);
        return true;
    }

    bool to() {
        auto address = parse_address(cursor_, &rule_.broken);
        if (address) rule_.to = std::move(*address);
        return address.has_value();
    }

    bool name() {
        if (cursor_.at(Kind::string))
            rule_.name = cursor_.take_word();
        else
            rule_.name = cursor_.expect_word("a name");
        return rule_.name.has_value();
    }

    bool not_supported(const ast::Word& keyword) {
        cursor_.diagnostics().report(Code::not_supported, keyword.span,
                                     fmt::format("`{}` is not supported yet", keyword.text));
        return false;
    }

    Cursor& cursor_;
    ast::Rule rule_;
    std::ptrdiff_t rank_ = -1;
    ast::Word last_clause_;
};

}  // namespace

std::optional<ast::Address> parse_address(Cursor& cursor, bool* broken) {
    return parse_address_at(cursor, 0, broken);
}

std::optional<ast::Match> parse_match(Cursor& cursor) {
    ast::Match match;
    match.span = cursor.peek().span;
    const auto one = [&](ast::Match::Kind kind, std::string_view what) {
        match.kind = kind;
        match.keyword = cursor.take_word();
        const auto word = cursor.expect_word(what);
        if (word) match.values.push_back(*word);
        return word.has_value();
    };
    const auto many = [&](ast::Match::Kind kind, std::string_view what) {
        match.kind = kind;
        match.keyword = cursor.take_word();
        if (!at_value(cursor)) return true;
        if (at_misspelt_clause(cursor)) {
            report_unknown_word(cursor, clauses(), fmt::format("{} or the next part of the rule", what));
            return false;
        }
        auto values = parse_values(cursor, what);
        if (values) match.values = std::move(*values);
        return values.has_value();
    };
    bool read = false;
    const std::string other = fmt::format("a service is written `service {}`", cursor.peek().text);
    if (cursor.at_word("tcp") || cursor.at_word("udp") || cursor.at_word("sctp"))
        read = many(ast::Match::Kind::ports, "a port");
    else if (cursor.at_word("icmpv6"))
        read = many(ast::Match::Kind::icmpv6, "an ICMPv6 type");
    else if (cursor.at_word("proto"))
        read = one(ast::Match::Kind::proto, "a protocol number");
    else if (cursor.at_word("service"))
        read = one(ast::Match::Kind::service, "a service's name");
    else
        report_unknown_word(cursor, words_after_verdict(), "a protocol, `service`, `from` or `to`", other);
    if (!read) return std::nullopt;
    match.span = join(match.span, cursor.last_span());
    return match;
}

std::optional<ast::Rule> parse_rule(Cursor& cursor) { return RuleParser(cursor).run(); }

}  // namespace dishwall
