// SPDX-License-Identifier: BSD-3-Clause
#include "rules/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace dishwall {
namespace {

using Kind = Token::Kind;

constexpr std::array<bool, 256> kInWord = [] {
    std::array<bool, 256> in{};
    for (unsigned c = 0; c < in.size(); ++c)
        in[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    for (const unsigned char c : {'-', '_', '.', ':', '/', '%', '@'}) in[c] = true;
    return in;
}();

bool in_word(char c) { return kInWord[static_cast<unsigned char>(c)]; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool has_meaning(char c) {
    return in_word(c) || is_blank(c) ||
           std::string_view("\n;,={}#\\\"()[]'").find(c) != std::string_view::npos;
}

class Lexer {
public:
    Lexer(std::string_view text, FileId file, Diagnostics* diagnostics)
        : text_(text), file_(file), diagnostics_(*diagnostics), tokens_(text, file) {}

    TokenList run(const WillFill& will_fill) {
        // Room that is not used is not touched.
        tokens_.reserve(std::min(text_.size() / 4 + 2, kMostTokens + 1), will_fill);
        if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;  // byte order mark
        while (at_ < text_.size()) {
            step();
            if (tokens_.size() >= kMostTokens) return give_up();
            if (diagnostics_.hopeless()) return {};
        }
        add(Kind::end, at_, at_);
        return std::move(tokens_);
    }

private:
    void step() {
        const char c = text_[at_];
        if (is_blank(c))
            ++at_;
        else if (in_word(c))
            word();
        else
            punctuation(c);
    }

    void punctuation(char c) {
        switch (c) {
            case '#':
                at_ = std::min(text_.find('\n', at_), text_.size());
                return;
            case '\n':
                return newline();
            case ';':
                return single(Kind::semicolon);
            case ',':
                return single(Kind::comma);
            case '=':
                return single(Kind::equals);
            case '{':
                return single(Kind::open);
            case '}':
                return single(Kind::close);
            case '(':
            case '[':
                return bracket(Kind::open);
            case ')':
            case ']':
                return bracket(Kind::close);
            case '"':
                return string();
            case '\'':
                return single_quotes();
            case '\\':
                return continuation();
            default:
                return unknown();
        }
    }

    Span span(std::size_t begin, std::size_t end) const {
        return {file_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
    }
    void add(Kind kind, std::size_t begin, std::size_t end) { tokens_.add(kind, begin, end); }
    void single(Kind kind) {
        add(kind, at_, at_ + 1);
        ++at_;
    }
    // Empty lines say nothing: only the first line break of several is a token.
    void newline() {
        if (tokens_.empty() || tokens_.kind(tokens_.size() - 1) != Kind::newline)
            add(Kind::newline, at_, at_ + 1);
        ++at_;
    }
    TokenList give_up() {
        diagnostics_.report_last(Code::over_limit, tokens_.back().span,
                                 fmt::format("a file has at most {} words and signs", kMostTokens));
        return {};
    }
    void word() {
        std::size_t end = at_ + 1;
        while (end < text_.size() && in_word(text_[end])) ++end;
        add(Kind::word, at_, end);
        at_ = end;
    }

    // The place of the closing quote, or of the end of the line where it should have been.
    std::size_t closing(char quote) const {
        const char stops[] = {quote, '\n'};
        return std::min(text_.find_first_of({stops, 2}, at_ + 1), text_.size());
    }
    bool is_at(char c, std::size_t place) const { return place < text_.size() && text_[place] == c; }

    // `end`: behind the closing quote, or where it should have been.
    void quoted(std::size_t close, std::size_t end) {
        if (close == end)
            tokens_.add_unclosed_string(at_, end);
        else
            add(Kind::string, at_, end);
        at_ = end;
    }

    void string() {
        std::size_t close = closing('"');
        if (is_at('"', close)) return quoted(close, close + 1);
        while (close > at_ + 1 && is_blank(text_[close - 1])) --close;
        diagnostics_.report(Code::unclosed_string, span(at_, close), "begins here")
            .with_help("close it with `\"`");
        quoted(close, close);
    }

    void single_quotes() {
        const std::size_t close = closing('\'');
        if (!is_at('\'', close)) return unknown();
        report_unknown(close + 1).with_help("strings are written in double quotes");
        quoted(close, close + 1);
    }

    // A backslash at the end of a line joins it with the next one.
    void continuation() {
        const std::size_t next = std::min(text_.find_first_not_of(" \t\r", at_ + 1), text_.size());
        if (next == text_.size() || text_[next] == '\n') {
            at_ = std::min(next + 1, text_.size());
            return;
        }
        diagnostics_.report(Code::invalid_character, span(at_, at_ + 1), "not at the end of its line")
            .with_help("`\\` joins a line with the next one and has to be its last character");
        ++at_;
    }

    // ( ) [ ] are read as the braces that were meant, so that one wrong pair is one complaint.
    void bracket(Kind kind) {
        const bool pairs = kind == Kind::close && brackets_ > 0;
        if (pairs)
            --brackets_;
        else
            report_unknown(at_ + 1).with_help("lists and blocks are written in braces: { ... }");
        if (kind == Kind::open) ++brackets_;
        single(kind);
    }

    Diagnostic& report_unknown(std::size_t end) {
        return diagnostics_.report(Code::invalid_character, span(at_, end), "not understood");
    }

    void unknown() {
        const char c = text_[at_];
        std::size_t end = at_ + 1;
        while (end < text_.size() && !has_meaning(text_[end])) ++end;
        Diagnostic& report = report_unknown(end);
        if (c == '!')
            report.with_help("write `not`");
        else if (static_cast<unsigned char>(c) >= 0x80)
            report.with_help(
                "outside of strings and comments only ASCII is understood; of a domain write the xn-- form");
        at_ = end;
    }

    std::string_view text_;
    FileId file_;
    Diagnostics& diagnostics_;
    std::size_t at_ = 0;
    unsigned brackets_ = 0;  // ( and [ that are open
    TokenList tokens_;
};

}  // namespace

TokenList lex(const SourceMap& sources, FileId file, Diagnostics* diagnostics, const WillFill& will_fill) {
    return Lexer(sources.file(file).text(), file, diagnostics).run(will_fill);
}

}  // namespace dishwall
