// SPDX-License-Identifier: BSD-3-Clause
//
// The layout is made from the tokens and from what stands between them in the text (line breaks, comments,
// `\`); the tree is used only to see that there is one. So nothing that the parser drops can be lost here.
#include "rules/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "rules/lexer.h"
#include "rules/parser.h"
#include "rules/rule_files.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

constexpr std::size_t kIndent = 4;
constexpr std::size_t kWidestAligned = 80;  // what stands before a column, in characters
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

struct Line {
    enum Column : std::size_t { equals, name, comment, kColumns };
    std::size_t indent = 0;
    std::string text;                                           // without its indent and comment
    std::array<std::size_t, kColumns> at{kNone, kNone, kNone};  // where in the text a column begins
    std::string_view remark;

    [[nodiscard]] bool has_columns() const {
        return std::any_of(at.begin(), at.end(), [](std::size_t place) { return place != kNone; });
    }
};

// Neighbouring lines with columns, held until all of them are known.
class Page {
public:
    void add(Line line) {
        if (!lines_.empty() && lines_.back().indent != line.indent) flush();
        if (!line.remark.empty() && !line.text.empty()) line.at[Line::comment] = line.text.size();
        const bool aligned = line.has_columns();
        if (!aligned) flush();
        lines_.push_back(std::move(line));
        if (!aligned) flush();
    }
    void empty_line() {
        flush();
        out_ += '\n';
    }
    std::string take() {
        flush();
        return std::move(out_);
    }

private:
    void flush() {
        for (const Line::Column column : {Line::equals, Line::name, Line::comment}) align(column);
        for (const Line& line : lines_) print(line);
        lines_.clear();
    }

    void align(Line::Column column) {
        const auto has = [&](const Line& line) { return line.at[column] != kNone; };
        for (auto begin = lines_.begin(); begin != lines_.end();) {
            begin = std::find_if(begin, lines_.end(), has);
            const auto end = std::find_if_not(begin, lines_.end(), has);
            align(column, begin, end);
            begin = end;
        }
    }

    static void align(Line::Column column, std::vector<Line>::iterator begin,
                      std::vector<Line>::iterator end) {
        const auto before = [&](const Line& line) {
            return width(std::string_view(line.text).substr(0, line.at[column]));
        };
        std::size_t widest = 0;
        for (auto line = begin; line != end; ++line)
            if (before(*line) <= kWidestAligned) widest = std::max(widest, before(*line));
        for (auto line = begin; line != end; ++line) {
            const std::size_t columns = before(*line);
            if (columns > kWidestAligned) continue;
            line->text.insert(line->at[column], widest - columns, ' ');
            if (!line->remark.empty()) line->at[Line::comment] = line->text.size();
        }
    }

    void print(const Line& line) {
        out_.append(line.indent, ' ').append(line.text);
        if (!line.remark.empty()) out_.append(line.text.empty() ? "" : "  ").append(line.remark);
        out_ += '\n';
    }

    std::vector<Line> lines_;
    std::string out_;
};

class Formatter {
public:
    Formatter(std::string_view text, const TokenList& tokens) : text_(text), tokens_(tokens) {}

    std::string run() {
        std::size_t behind = text_.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0;  // of the last token
        for (at_ = 0; at_ < tokens_.size(); ++at_) {
            const Token token = tokens_[at_];
            if (token.kind == Kind::newline) continue;
            between(text_.substr(behind, token.span.begin - behind), token.kind == Kind::close);
            behind = token.span.end;
            if (token.kind == Kind::semicolon)
                statement_ended_ = true;
            else if (token.kind != Kind::end)
                put(token);
        }
        end_line();
        return page_.take();
    }

private:
    // ---- what stands between two tokens

    void between(std::string_view gap, bool before_close) {
        newlines_ = 0;
        continued_ = false;
        for (std::size_t at = 0; at < gap.size(); ++at) {
            if (gap[at] == '\n') {
                ++newlines_;
            } else if (gap[at] == '#') {
                const std::size_t end = std::min(gap.find('\n', at), gap.size());
                remark(gap.substr(at, end - at));
                at = end - 1;
            } else if (gap[at] == '\\') {
                continued_ = true;
                at = std::min(gap.find('\n', at), gap.size());
            }
        }
        if (before_close) empty_line_is_allowed_ = false;
    }

    void remark(std::string_view text) {
        text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
        const bool behind_statement = newlines_ == 0 && !line_.text.empty();
        if (!behind_statement) {
            end_line();
            begin_line();
        }
        line_.remark = text;
        end_line();
        newlines_ = 0;
        continued_ = false;
    }

    // ---- lines

    void begin_line() {
        if (newlines_ > 1 && empty_line_is_allowed_) page_.empty_line();
        line_.indent = kIndent * depth_;
        empty_line_is_allowed_ = true;
    }

    void end_line() {
        if (!line_.text.empty() || !line_.remark.empty()) page_.add(std::move(line_));
        line_ = {};
    }

    // ---- tokens

    void put(const Token& token) {
        const bool closes = token.kind == Kind::close;
        const bool closes_long_block = closes && depth_ == 1 && long_block_;
        const bool breaks = newlines_ > 0 || statement_ended_ || closes_long_block;
        const bool begins = breaks || line_.text.empty();
        if (closes) --depth_;
        if (begins) {
            end_line();
            begin_line();
        } else if (continued_) {
            line_.text += " \\";
            end_line();
            begin_line();
            line_.indent += kIndent;
        }
        if (begins && depth_ == 0 && token.kind == Kind::word) keyword_ = token.text;
        statement_ended_ = false;
        add(token);
        after(token);
    }

    void add(const Token& token) {
        const bool apart = token.kind != Kind::comma && !(token.kind == Kind::close && opened_);
        if (!line_.text.empty() && apart) line_.text += ' ';
        note_column(token);
        line_.text.append(text_.substr(token.span.begin, token.span.end - token.span.begin));
    }

    void note_column(const Token& token) {
        if (line_.text.empty()) return;
        const bool defines = token.kind == Kind::equals && depth_ == 0;
        const bool names =
            token.kind == Kind::word && token.text == "name" && depth_ == 1 && block_ && keyword_ == "policy";
        for (const auto& [begins, column] : {std::pair(defines, Line::equals), std::pair(names, Line::name)})
            if (begins && line_.at[column] == kNone) line_.at[column] = line_.text.size();
    }

    void after(const Token& token) {
        opened_ = token.kind == Kind::open;
        empty_line_is_allowed_ = !opened_;
        if (token.kind == Kind::open) {
            if (depth_++ == 0) {
                block_ = opens_block();
                long_block_ = block_ && is_long();
                statement_ended_ = long_block_;
            }
        } else if (token.kind == Kind::close && depth_ == 0) {
            block_ = long_block_ = false;
        }
    }

    [[nodiscard]] bool opens_block() const {
        static constexpr std::string_view kBlocks[] = {"uplink", "policy", "dns-update", "protect", "test"};
        return std::find(std::begin(kBlocks), std::end(kBlocks), keyword_) != std::end(kBlocks);
    }

    // Was the block at this `{` written on more than one line, or is there a `;` in it?
    [[nodiscard]] bool is_long() const {
        unsigned open = 1;
        for (std::size_t i = at_ + 1; i < tokens_.size() && open > 0; ++i) {
            const Token token = tokens_[i];
            if (token.kind == Kind::newline || token.kind == Kind::semicolon) return true;
            const std::size_t behind = tokens_[i - 1].span.end;
            if (text_.substr(behind, token.span.begin - behind).find('\\') != std::string_view::npos)
                return true;
            open += token.kind == Kind::open;
            open -= token.kind == Kind::close;
        }
        return false;
    }

    std::string_view text_;
    const TokenList& tokens_;
    std::size_t at_ = 0;
    Page page_;
    Line line_;
    // Since the last token, or the comment behind it:
    std::size_t newlines_ = 0;
    bool continued_ = false;
    bool opened_ = false;           // the last token is `{`
    bool statement_ended_ = false;  // by `;`, or by the `{` of a long block
    bool empty_line_is_allowed_ = false;
    // Where in the grammar:
    std::size_t depth_ = 0;  // braces that are open
    bool block_ = false;     // the outermost of them holds statements
    bool long_block_ = false;
    std::string_view keyword_;  // of the statement at the top of the file
};

// `version` may be missing: a file of conf.d need not have one.
void try_parse(const SourceMap& sources, FileId file, Diagnostics* diagnostics) {
    const ParseOptions options{false, [](const ast::Word&) {}};
    ast::File tree;
    TokenList tokens = lex(sources, file, diagnostics);
    if (!tokens.empty()) parse(std::move(tokens), sources.file(file), options, &tree, diagnostics);
}

}  // namespace

Formatted format_rules(std::string file_name, std::string text) {
    Formatted formatted;
    Diagnostics diagnostics;
    const FileId file = formatted.sources.add(std::move(file_name), std::move(text));
    const SourceFile& source = formatted.sources.file(file);
    if (source.text().size() > kLongestText)
        diagnostics.report(Code::over_limit, {file, 0, 0},
                           fmt::format("a rule file has at most {} MiB", kLongestText >> 20));
    else
        try_parse(formatted.sources, file, &diagnostics);
    if (!diagnostics.has_errors())
        formatted.text = Formatter(source.text(), lex(formatted.sources, file, &diagnostics)).run();
    formatted.diagnostics = diagnostics.take();
    return formatted;
}

}  // namespace dishwall
