// SPDX-License-Identifier: BSD-3-Clause
//
// The parser's place in the tokens, the few questions it asks there, and how it finds its feet again after
// an error: by going to the end of the statement, so that one mistake is one complaint.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/lexer.h"

namespace dishwall {

class Cursor {
public:
    // The tokens have to outlive it.
    Cursor(const TokenList& tokens, const SourceFile& file, ast::Written* written, Diagnostics* diagnostics)
        : tokens_(tokens), file_(file), written_(*written), diagnostics_(*diagnostics) {}
    // Another reader of the same tokens, with counts and diagnostics of its own.
    Cursor(const Cursor& other, std::size_t at, ast::Written* written, Diagnostics* diagnostics)
        : tokens_(other.tokens_),
          file_(other.file_),
          written_(*written),
          diagnostics_(*diagnostics),
          at_(at) {}

    [[nodiscard]] Token peek() const { return tokens_[at_]; }
    [[nodiscard]] Token peek_next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    [[nodiscard]] bool at(Token::Kind kind) const { return tokens_.kind(at_) == kind; }
    [[nodiscard]] bool at_word(std::string_view text) const;
    // At a newline, a semicolon, the end of the file, or the brace that closes the block around.
    [[nodiscard]] bool at_statement_end() const;

    void advance() { at_ += at_ + 1 < tokens_.size(); }
    Token take();
    ast::Word take_word();
    bool accept(Token::Kind kind);
    bool accept_word(std::string_view text);
    // Did the lexer leave something out between the last token and this one that is not ASCII?
    [[nodiscard]] bool at_lost_letters() const;
    [[nodiscard]] Span last_span() const { return tokens_.span(at_ == 0 ? 0 : at_ - 1); }

    // These report what was expected when it is not there.
    std::optional<ast::Word> expect_word(std::string_view what);
    std::optional<ast::Word> expect_text(std::string_view what);  // a word or a string
    bool expect(Token::Kind kind, std::string_view what);
    bool expect_word_is(std::string_view text);
    bool expect_statement_end();
    Diagnostic& unexpected(std::string_view expected);

    // ---- statements and lists
    void begin_statement();
    void skip_separators();  // newlines and semicolons between statements
    void skip_newlines();    // inside a list
    void open_list();
    void close_list();
    // To the end of the statement that was begun, over whatever it holds.
    void skip_statement();
    // After a statement that was read (or not): goes to its end. True when all is well.
    bool end_statement(bool read);

    // ---- blocks
    // Is there a block on this line? Also behind a header that could not be read.
    bool find_block(bool header_read);
    // At `{`: reads statements up to `}` by `statement`, which leaves the cursor at their ends.
    template <typename Statement>
    void read_block(const Span& header, Statement statement) {
        take();
        for (skip_separators(); !accept(Token::Kind::close); skip_separators()) {
            begin_statement();
            if (at_block_left_open(header)) return;
            statement();
        }
        begin_statement();
        end_statement(true);
    }

    // ---- parts of a block that are read by a cursor each (parse_policy.cc)
    // At `{`: the end of a statement of this block, about in its middle; empty: the block is short, or open.
    [[nodiscard]] std::optional<std::size_t> middle_of_block() const;
    // Reads statements up to the token `stop`, or to the block's end. False: something was reported, so that
    // these parts are not those that one reader would have found.
    template <typename Statement>
    bool read_part(std::size_t stop, const Span& header, Statement statement) {
        for (skip_separators(); at_ < stop && !at(Token::Kind::close); skip_separators()) {
            begin_statement();
            if (at_block_left_open(header)) return false;
            statement();
        }
        return diagnostics_.empty();
    }
    // Goes to where the reader of the last part is, behind `}`. `before` and `last`: what both have counted.
    // False: that is more than there may be.
    bool go_behind(const Cursor& last, const ast::Written& before, const ast::Written& last_written);
    [[nodiscard]] std::size_t place() const { return at_; }

    // One more of what a tree holds a bounded number of. Over the bound: says so and goes to the file's end.
    void count_address() { count(&written_.addresses, kMostAddresses, "addresses in lists"); }
    void count_claim() { count(&written_.claims, kMostClaims, "lines in `test` and `protect` blocks"); }

    [[nodiscard]] Diagnostics& diagnostics() { return diagnostics_; }

private:
    static constexpr std::size_t kMostStatements =
        250'000;  // all limits on what these make together are fewer
    static constexpr std::size_t kMostAddresses = 1'000'000, kMostClaims = 10'000;

    [[nodiscard]] unsigned column(const Span& span) const;
    [[nodiscard]] bool new_statement_follows() const;
    [[nodiscard]] bool at_top_statement() const;
    bool at_block_left_open(const Span& header);
    void count(std::size_t* number, std::size_t most, std::string_view what);

    const TokenList& tokens_;
    const SourceFile& file_;
    ast::Written& written_;
    Diagnostics& diagnostics_;
    std::size_t at_ = 0;
    Span statement_;  // its first token
    unsigned list_depth_ = 0;
    // The brace that closed the last list, where it looks like the end of the block around: it begins a line
    // and stands further left than the statement it ended. Says so when a block turns out not to be closed.
    std::optional<Span> odd_list_end_;
};

// What opens a statement at the top of a file, and in a policy block.
[[nodiscard]] bool opens_top_statement(std::string_view word);
[[nodiscard]] bool opens_policy_statement(std::string_view word);
[[nodiscard]] const std::vector<std::string_view>& top_keywords();
[[nodiscard]] const std::vector<std::string_view>& policy_keywords();

}  // namespace dishwall
