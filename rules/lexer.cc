// SPDX-License-Identifier: BSD-3-Clause
#include "rules/lexer.h"

#include <fmt/format.h>

#include <algorithm>

namespace dishwall {
namespace {

using Kind = Token::Kind;

bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':' || c == '/' || c == '%';
}
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool has_meaning(char c) {
    return in_word(c) || is_blank(c) || std::string_view("\n;,={}#\\\"").find(c) != std::string_view::npos;
}

class Lexer {
public:
    Lexer(std::string_view text, FileId file, Diagnostics* diagnostics)
        : text_(text), file_(file), diagnostics_(*diagnostics) {}

    std::vector<Token> run() {
        if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;  // byte order mark
        while (at_ < text_.size()) step();
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
        else if (c == '#')
            at_ = line_end();
        else if (c == '\n')
            single(Kind::newline);
        else if (c == ';')
            single(Kind::semicolon);
        else if (c == ',')
            single(Kind::comma);
        else if (c == '=')
            single(Kind::equals);
        else if (c == '{')
            single(Kind::open);
        else if (c == '}')
            single(Kind::close);
        else if (c == '"')
            string();
        else if (c == '\\')
            continuation();
        else
            unknown();
    }

    Span span(std::size_t begin, std::size_t end) const {
        return {file_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
    }
    void add(Kind kind, std::size_t begin, std::size_t end) {
        tokens_.push_back({kind, span(begin, end), text_.substr(begin, end - begin)});
    }
    void single(Kind kind) {
        add(kind, at_, at_ + 1);
        ++at_;
    }
    std::size_t line_end() const { return std::min(text_.find('\n', at_), text_.size()); }

    void word() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && in_word(text_[at_])) ++at_;
        add(Kind::word, begin, at_);
    }

    void string() {
        const std::size_t begin = at_;
        const std::size_t close = text_.find('"', begin + 1);
        std::size_t end = line_end();
        if (close < end) {
            at_ = close + 1;
        } else {
            while (end > begin + 1 && is_blank(text_[end - 1])) --end;
            at_ = end;
            diagnostics_.report(Code::unclosed_string, span(begin, end), "begins here")
                .with_help("close it with `\"`");
        }
        tokens_.push_back({Kind::string, span(begin, at_),
                           text_.substr(begin + 1, (close == at_ - 1 ? close : at_) - begin - 1)});
    }

    // A backslash at the end of a line joins it with the next one.
    void continuation() {
        const std::size_t end = line_end();
        const std::string_view rest = text_.substr(at_ + 1, end - at_ - 1);
        if (std::all_of(rest.begin(), rest.end(), is_blank)) {
            at_ = std::min(end + 1, text_.size());
            return;
        }
        diagnostics_.report(Code::invalid_character, span(at_, at_ + 1), "not at the end of its line")
            .with_help("`\\` joins a line with the next one and has to be its last character");
        ++at_;
    }

    void unknown() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && !has_meaning(text_[at_])) ++at_;
        Diagnostic& report = diagnostics_.report(Code::invalid_character, span(begin, at_), "not understood");
        const char c = text_[begin];
        if (c == '(' || c == ')' || c == '[' || c == ']')
            report.with_help("lists and blocks are written in braces: { ... }");
        else if (c == '!')
            report.with_help("write `not`");
        else if (c == '\'')
            report.with_help("strings are written in double quotes");
        else if (static_cast<unsigned char>(c) >= 0x80)
            report.with_help("outside of strings and comments only ASCII is understood");
    }

    std::string_view text_;
    FileId file_;
    Diagnostics& diagnostics_;
    std::size_t at_ = 0;
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(const SourceMap& sources, FileId file, Diagnostics* diagnostics) {
    return Lexer(sources.file(file).text(), file, diagnostics).run();
}

}  // namespace dishwall
