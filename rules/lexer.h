// SPDX-License-Identifier: BSD-3-Clause
//
// Text -> tokens. The language's words are of many shapes (names, numbers, 10/s, 2001:db8::/48, dish.pd),
// and which shape is meant depends on where a word stands. So the lexer only finds where words begin and
// end; the passes behind it read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/diagnostic.h"
#include "rules/large_room.h"
#include "rules/source.h"

namespace dishwall {

struct Token {
    enum class Kind : std::uint8_t {
        word,    // letters, digits and - _ . : / % @
        string,  // "..."; text is without the quotes
        comma,
        equals,
        open,     // {
        close,    // }
        newline,  // one, however many lines are empty
        semicolon,
        end,  // of the file, always the last token
    };
    Kind kind = Kind::end;
    Span span;
    std::string_view text;
};

// The tokens of one text, eight bytes each: a long file has a million. Made into Tokens as they are read.
class TokenList {
public:
    TokenList() = default;
    TokenList(std::string_view text, FileId file) : text_(text), file_(file) {}

    void reserve(std::size_t count, const WillFill& will_fill) {
        reserve_room(will_fill, count, &packed_);
    }
    void add(Token::Kind kind, std::size_t begin, std::size_t end) {
        packed_.push_back({static_cast<std::uint32_t>(begin),
                           static_cast<std::uint32_t>(end - begin) & kLongest,
                           static_cast<std::uint32_t>(kind)});
    }
    // Of a string that does not end: there is no quote behind it.
    void add_unclosed_string(std::size_t begin, std::size_t end) {
        add(Token::Kind::string, begin, end);
        packed_.back().kind = kUnclosed;
    }

    [[nodiscard]] std::size_t size() const { return packed_.size(); }
    [[nodiscard]] bool empty() const { return packed_.empty(); }
    [[nodiscard]] Token::Kind kind(std::size_t at) const {
        const std::uint32_t kind = packed_[at].kind;
        return kind == kUnclosed ? Token::Kind::string : static_cast<Token::Kind>(kind);
    }
    [[nodiscard]] Token operator[](std::size_t at) const {
        const Packed& each = packed_[at];
        const unsigned before = kind(at) == Token::Kind::string, behind = before && each.kind != kUnclosed;
        return {kind(at), span(at), text_.substr(each.begin + before, each.length - before - behind)};
    }
    [[nodiscard]] Span span(std::size_t at) const {
        return {file_, packed_[at].begin, packed_[at].begin + packed_[at].length};
    }
    [[nodiscard]] Token back() const { return (*this)[size() - 1]; }

private:
    static constexpr std::uint32_t kLongest = (1u << 28) - 1;
    static constexpr std::uint32_t kUnclosed = 15;
    struct Packed {
        std::uint32_t begin;
        std::uint32_t length : 28, kind : 4;
    };

    std::string_view text_;
    FileId file_ = 0;
    std::vector<Packed> packed_;
};

// A file of 64 MiB may be nothing but braces: what the passes keep for each token is bounded here, before it
// is kept. 100,000 rules with lists of fifteen are fewer.
inline constexpr std::size_t kMostTokens = 4'000'000;

// Characters that mean nothing are reported and left out. Comments, blanks and continued lines vanish. Empty
// when the file is not worth parsing: over the limit, or hopeless (rules/diagnostic.h); either has been
// reported.
[[nodiscard]] TokenList lex(const SourceMap& sources, FileId file, Diagnostics* diagnostics,
                            const WillFill& will_fill = {});

}  // namespace dishwall
