// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "rules/names.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

constexpr unsigned kDeepest = 16;  // braces in braces

const std::vector<std::string_view>& words_after_verdict() {
    static const std::vector<std::string_view> words = {"tcp",
                                                        "udp",
                                                        "sctp",
                                                        "icmpv6",
                                                        "proto",
                                                        "service",
                                                        "from",
                                                        "to",
                                                        "rate",
                                                        "inspect",
                                                        "endpoint-independent",
                                                        "log",
                                                        "name"};
    return words;
}

bool at_value(const Cursor& cursor) {
    return cursor.at(Kind::open) || (cursor.at(Kind::word) && !opens_clause(cursor.peek().text));
}

// `tcp form admins`: a word that is nearly a clause and is followed by what a clause takes is no service.
bool at_misspelt_clause(const Cursor& cursor) {
    const Token next = cursor.peek_next();
    if (!cursor.at(Kind::word) || !(next.kind == Kind::word || next.kind == Kind::open)) return false;
    return !opens_clause(next.text) && nearest(cursor.peek().text, {"from", "to", "name"}).has_value();
}

// A word, or words in braces.
std::optional<ast::Words> parse_values(Cursor& cursor, std::string_view what) {
    ast::Words values;
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

std::optional<ast::Address> parse_feed(Cursor& cursor) {
    ast::Address address;
    address.kind = ast::Address::Kind::feed;
    const Span keyword = cursor.take().span;
    if (cursor.at(Kind::word) && opens_clause(cursor.peek().text)) {
        cursor.unexpected("a feed's name");
        return std::nullopt;
    }
    const auto name = cursor.expect_word("a feed's name");
    if (!name) return std::nullopt;
    address.word = *name;
    address.span = join(keyword, name->span);
    return address;
}

std::optional<ast::Address> parse_address_at(Cursor& cursor, unsigned depth);

std::optional<ast::Address> parse_address_list(Cursor& cursor, unsigned depth) {
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
        auto element = parse_address_at(cursor, depth + 1);
        if (!element) return std::nullopt;
        list.elements.push_back(std::move(*element));
        cursor.count_address();
        cursor.skip_newlines();
        if (!cursor.at(Kind::close) && !cursor.expect(Kind::comma, "`,` or `}`")) return std::nullopt;
    }
    list.span = join(list.span, cursor.peek().span);
    cursor.close_list();
    return list;
}

std::optional<ast::Address> parse_address_at(Cursor& cursor, unsigned depth) {
    if (cursor.at_word("not")) {
        const Span word = cursor.take().span;
        if (cursor.at_word("not")) {
            cursor.unexpected("an address").with_help("`not` twice is nothing: leave both out");
            return std::nullopt;
        }
        auto address = parse_address_at(cursor, depth);
        if (!address) return std::nullopt;
        address->negated = true;
        address->span = join(word, address->span);
        return address;
    }
    if (cursor.at(Kind::open)) return parse_address_list(cursor, depth);
    if (cursor.at_word("feed")) return parse_feed(cursor);
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

}  // namespace

const std::vector<std::string_view>& rule_clauses() {
    static const std::vector<std::string_view> words = {
        "from", "to", "rate", "inspect", "endpoint-independent", "log", "name"};
    return words;
}

bool opens_clause(std::string_view word) {
    static constexpr std::string_view kParts[] = {"port", "burst", "per", "on-failure", "expect"};
    if (word.empty() || word.front() < 'a') return false;  // a number: most words that are asked about
    return std::find(rule_clauses().begin(), rule_clauses().end(), word) != rule_clauses().end() ||
           std::find(std::begin(kParts), std::end(kParts), word) != std::end(kParts);
}

// `otherwise` is the help when the word is near to no known one.
void report_unknown_word(Cursor& cursor, const std::vector<std::string_view>& known,
                         std::string_view expected, std::string_view otherwise) {
    if (!cursor.at(Kind::word)) {
        cursor.unexpected(expected);
        return;
    }
    const Token token = cursor.peek();
    std::string help = token.text == "icmp" ? "did you mean `icmpv6`?" : did_you_mean(token.text, known);
    cursor.diagnostics()
        .report(Code::unknown_keyword, token.span, fmt::format("expected {}", expected))
        .with_help(help.empty() ? std::string(otherwise) : std::move(help));
}

std::optional<ast::Address> parse_address(Cursor& cursor) { return parse_address_at(cursor, 0); }

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
            report_unknown_word(cursor, rule_clauses(), fmt::format("{} or the next part of the rule", what));
            return false;
        }
        auto values = parse_values(cursor, what);
        if (values) match.values = std::move(*values);
        return values.has_value();
    };
    bool read = false;
    if (cursor.at_word("tcp") || cursor.at_word("udp") || cursor.at_word("sctp"))
        read = many(ast::Match::Kind::ports, "a port");
    else if (cursor.at_word("icmpv6"))
        read = many(ast::Match::Kind::icmpv6, "an ICMPv6 type");
    else if (cursor.at_word("proto"))
        read = one(ast::Match::Kind::proto, "a protocol number");
    else if (cursor.at_word("service"))
        read = one(ast::Match::Kind::service, "a service's name");
    else
        report_unknown_word(cursor, words_after_verdict(), "a protocol, `service`, `from` or `to`",
                            fmt::format("a service is written `service {}`", cursor.peek().text));
    if (!read) return std::nullopt;
    match.span = join(match.span, cursor.last_span());
    return match;
}

bool at_match(const Cursor& cursor) {
    if (cursor.at_statement_end()) return false;
    return !cursor.at(Kind::word) || !opens_clause(cursor.peek().text);
}

bool parse_from(Cursor& cursor, ast::Rare<ast::Address>* address, ast::Rare<ast::Words>* ports) {
    *address = parse_address(cursor);
    if (!*address) return false;
    if (!cursor.accept_word("port")) return true;
    *ports = parse_values(cursor, "a port");
    return ports->has_value();
}

std::optional<ast::Traffic> parse_traffic(Cursor& cursor) {
    ast::Traffic traffic;
    traffic.span = traffic.match.span = cursor.peek().span;
    if (at_match(cursor)) {
        auto match = parse_match(cursor);
        if (!match) return std::nullopt;
        traffic.match = std::move(*match);
    }
    if (cursor.accept_word("from") && !parse_from(cursor, &traffic.from, &traffic.from_ports))
        return std::nullopt;
    if (cursor.accept_word("to") && !(traffic.to = parse_address(cursor))) return std::nullopt;
    if (cursor.at_word("from")) {
        cursor.unexpected("the end of the traffic").with_help("`from` comes before `to`");
        return std::nullopt;
    }
    traffic.span = join(traffic.span, cursor.last_span());
    return traffic;
}

}  // namespace dishwall
