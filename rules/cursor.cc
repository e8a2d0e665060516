// SPDX-License-Identifier: BSD-3-Clause
#include "rules/cursor.h"

#include <fmt/format.h>

#include <algorithm>

namespace dishwall {
namespace {

using Kind = Token::Kind;

bool has(const std::vector<std::string_view>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

const std::vector<std::string_view>& top_keywords() {
    static const std::vector<std::string_view> words = {
        "version", "uplink",     "network",    "host",    "set",  "service", "policy",
        "feed",    "signatures", "dns-update", "protect", "test", "include"};
    return words;
}

const std::vector<std::string_view>& policy_keywords() {
    static const std::vector<std::string_view> words = {"accept", "drop",    "reject",     "audit",
                                                        "log",    "default", "reject-late"};
    return words;
}

bool opens_top_statement(std::string_view word) { return has(top_keywords(), word); }
bool opens_policy_statement(std::string_view word) { return has(policy_keywords(), word); }

bool Cursor::at_word(std::string_view text) const { return at(Kind::word) && peek().text == text; }

bool Cursor::at_statement_end() const {
    const Kind kind = tokens_.kind(at_);
    return kind == Kind::newline || kind == Kind::semicolon || kind == Kind::end || kind == Kind::close;
}

Token Cursor::take() {
    const Token token = tokens_[at_];
    advance();
    return token;
}

ast::Word Cursor::take_word() {
    const Token token = take();
    return {token.text, token.span};
}

bool Cursor::accept(Kind kind) {
    if (!at(kind)) return false;
    advance();
    return true;
}

bool Cursor::accept_word(std::string_view text) {
    if (!at_word(text)) return false;
    advance();
    return true;
}

Diagnostic& Cursor::unexpected(std::string_view expected) {
    const std::string_view where = at(Kind::newline) ? " before the end of the line"
                                   : at(Kind::end)   ? " before the end of the file"
                                                     : "";
    return diagnostics_.report(Code::syntax, peek().span, fmt::format("expected {}{}", expected, where));
}

std::optional<ast::Word> Cursor::expect_word(std::string_view what) {
    if (at(Kind::word)) return take_word();
    Diagnostic& report = unexpected(what);
    if (at(Kind::string)) report.with_help("write it without quotes");
    return std::nullopt;
}

std::optional<ast::Word> Cursor::expect_text(std::string_view what) {
    if (at(Kind::string)) return take_word();
    return expect_word(what);
}

bool Cursor::at_lost_letters() const {
    const std::size_t begin = last_span().end;
    const std::size_t end = std::max<std::size_t>(peek().span.begin, begin);
    const std::string_view between = file_.text().substr(begin, end - begin);
    const std::string_view code = between.substr(0, between.find_first_of("#\n"));
    return std::any_of(code.begin(), code.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

bool Cursor::expect(Kind kind, std::string_view what) {
    if (accept(kind)) return true;
    unexpected(what);
    return false;
}

bool Cursor::expect_word_is(std::string_view text) {
    if (accept_word(text)) return true;
    unexpected(fmt::format("`{}`", text));
    return false;
}

bool Cursor::expect_statement_end() {
    if (at_statement_end()) return true;
    unexpected("the end of the line");
    return false;
}

void Cursor::begin_statement() {
    count(&written_.statements, kMostStatements, "statements");
    if (diagnostics_.hopeless()) at_ = tokens_.size() - 1;
    statement_ = tokens_.span(at_);
    list_depth_ = 0;
}

void Cursor::count(std::size_t* number, std::size_t most, std::string_view what) {
    if (++*number <= most) return;
    diagnostics_.report_last(Code::over_limit, peek().span,
                             fmt::format("rule files have at most {} {}", most, what));
    at_ = tokens_.size() - 1;
}

void Cursor::open_list() {
    ++list_depth_;
    take();
}

void Cursor::close_list() {
    const bool begins_line = tokens_.kind(at_ - 1) == Kind::newline;
    if (begins_line && column(peek().span) < column(statement_)) odd_list_end_ = peek().span;
    --list_depth_;
    take();
}

void Cursor::skip_separators() {
    while (at(Kind::newline) || at(Kind::semicolon)) advance();
}

void Cursor::skip_newlines() {
    while (at(Kind::newline)) advance();
}

unsigned Cursor::column(const Span& span) const {
    return span.begin - file_.line_start(file_.line_at(span.begin));
}

// At a newline inside braces: has the list been left open? Then the next line looks like a statement, or
// like the end of the block around (a brace further left than the statement began).
bool Cursor::new_statement_follows() const {
    std::size_t next = at_;
    while (tokens_.kind(next) == Kind::newline) ++next;
    const Token token = tokens_[next];
    if (token.kind == Kind::close) return column(token.span) < column(statement_);
    return token.kind == Kind::word &&
           (opens_top_statement(token.text) || opens_policy_statement(token.text));
}

void Cursor::skip_statement() {
    for (;; advance()) {
        if (at(Kind::end)) break;
        if (list_depth_ == 0 && at_statement_end()) break;
        if (at(Kind::newline) && new_statement_follows()) break;
        if (at(Kind::open)) ++list_depth_;
        if (at(Kind::close)) --list_depth_;
    }
    list_depth_ = 0;
}

bool Cursor::end_statement(bool read) {
    if (read && expect_statement_end()) return true;
    skip_statement();
    return false;
}

// ---- blocks

bool Cursor::find_block(bool header_read) {
    if (header_read && !at(Kind::open)) unexpected("`{`");
    while (!at(Kind::open) && !at_statement_end()) advance();
    if (at(Kind::open)) return true;
    skip_statement();
    return false;
}

std::optional<std::size_t> Cursor::middle_of_block() const {
    constexpr std::size_t kLongBlock =
        100'000;  // tokens; a thread begins in the time that a few hundred take
    constexpr std::size_t kStep = 1'000;
    if (tokens_.size() - at_ < kLongBlock) return std::nullopt;
    std::vector<std::size_t> ends;  // of statements, here and there
    std::size_t next = at_ + kStep;
    unsigned depth = 0;
    for (std::size_t at = at_; at < tokens_.size(); ++at) {
        const Kind kind = tokens_.kind(at);
        if (kind == Kind::open) ++depth;
        if (kind == Kind::close && --depth == 0)
            return at - at_ < kLongBlock || ends.empty() ? std::nullopt
                                                         : std::optional(ends[ends.size() / 2]);
        if (kind != Kind::newline || depth != 1 || at < next) continue;
        ends.push_back(at);
        next = at + kStep;
    }
    return std::nullopt;
}

bool Cursor::go_behind(const Cursor& last, const ast::Written& before, const ast::Written& last_written) {
    const ast::Written all{written_.statements + before.statements + last_written.statements,
                           written_.addresses + before.addresses + last_written.addresses,
                           written_.claims + before.claims + last_written.claims};
    if (all.statements >= kMostStatements || all.addresses > kMostAddresses || all.claims > kMostClaims)
        return false;
    written_ = all;
    at_ = last.at_;
    return accept(Kind::close);
}

// `service NAME =` defines one; without `=` it is a line of a `protect` block.
bool Cursor::at_top_statement() const {
    if (!at(Kind::word) || !opens_top_statement(peek().text)) return false;
    return peek().text != "service" || tokens_[std::min(at_ + 2, tokens_.size() - 1)].kind == Kind::equals;
}

// At what can only stand behind the block: it was not closed.
bool Cursor::at_block_left_open(const Span& header) {
    if (!at(Kind::end) && !at_top_statement()) return false;
    Diagnostic& report = diagnostics_.report(Code::unclosed_block, header, "opens a block");
    if (at_word("include"))
        report.and_at(peek().span, "files are included outside of blocks")
            .with_help("that file can have a block of its own for the same direction");
    else if (odd_list_end_ && odd_list_end_->begin > header.begin)
        report.and_at(*odd_list_end_, "this closes a list inside of it")
            .with_help("close the list on its own line");
    else
        report.and_at(peek().span, "expected `}` before this");
    return true;
}

}  // namespace dishwall
