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

// A file of 64 MiB may be nothing but braces: what the passes keep for each token is bounded here, before it
// is kept. 100,000 rules with lists of fifteen are fewer.
inline constexpr std::size_t kMostTokens = 4'000'000;

// Characters that mean nothing are reported and left out. Comments, blanks and continued lines vanish. Empty
// when the file is not worth parsing: over the limit, or hopeless (rules/diagnostic.h); either has been
// reported.
[[nodiscard]] std::vector<Token> lex(const SourceMap& sources, FileId file, Diagnostics* diagnostics);

}  // namespace dishwall
