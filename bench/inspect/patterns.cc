// SPDX-License-Identifier: BSD-3-Clause
#include "bench/inspect/patterns.h"

#include <fmt/format.h>

#include "bench/inspect/words.h"

namespace dishwall::bench {
namespace {

struct Drawn {
    std::string regex, flags, example;
};

std::string hex(Dice& dice) { return fmt::format("{:04x}", dice.below(0x10000)); }

std::string_view word(Dice& dice) { return dice.one_of(kWords); }

constexpr std::array<std::string_view, 4> kEndings = {"php", "cgi", "asp", "jsp"};

// /admin/upload-3fa9.php
Drawn path(Dice& dice) {
    const auto directory = word(dice), name = word(dice), ending = dice.one_of(kEndings);
    const std::string number = hex(dice);
    return {fmt::format(R"(\/{}\/{}-{}\.{})", directory, name, number, ending), "i",
            fmt::format("/{}/{}-{}.{}", directory, name, number, ending)};
}

// A client that says who it is, or a header that no browser sends.
Drawn header(Dice& dice) {
    const auto name = word(dice), value = word(dice);
    const std::string number = hex(dice);
    return {fmt::format(R"(\r\nX-{}: {}\/{})", name, value, number), "",
            fmt::format("\r\nX-{}: {}/{}", name, value, number)};
}

// Tied to the request line, as rules/signatures/web.hs does it.
Drawn request(Dice& dice) {
    const auto name = word(dice), parameter = word(dice);
    const std::string number = hex(dice);
    return {fmt::format(R"(^(?:GET|POST) \S*\/{}{}\?{}=[^&\s]*(?:%27|'))", name, number, parameter), "im",
            fmt::format("\nGET /{}{}?{}=1%27", name, number, parameter)};
}

// A token, something of a class, and another token.
Drawn pair(Dice& dice) {
    const auto first = word(dice), second = word(dice);
    const std::string number = hex(dice);
    return {fmt::format("{}_{}=[0-9a-f]{{8,32}}&{}=", first, number, second), "i",
            fmt::format("{}_{}=0123456789abcdef&{}=", first, number, second)};
}

// Machine code.
Drawn binary(Dice& dice) {
    Drawn drawn;
    for (int i = 0; i < 10; ++i) {
        const auto byte = static_cast<unsigned char>(dice.between(0x80, 0xff));
        drawn.regex += fmt::format("\\x{:02x}", byte);
        drawn.example += static_cast<char>(byte);
    }
    return drawn;
}

Drawn draw(Dice& dice) {
    const std::uint64_t kind = dice.below(10);
    if (kind < 5) return path(dice);
    if (kind < 6) return header(dice);
    if (kind < 7) return request(dice);
    return kind < 9 ? pair(dice) : binary(dice);
}

}  // namespace

std::vector<Pattern> make_patterns(unsigned count) {
    Dice dice(kPatternSeed);
    std::vector<Pattern> patterns;
    for (std::uint32_t id = 1; id <= count; ++id) {
        Drawn drawn = draw(dice);
        patterns.push_back(
            {id, fmt::format("{}:/{}/{}", id, drawn.regex, drawn.flags), std::move(drawn.example)});
    }
    return patterns;
}

std::string signature_file(const std::vector<Pattern>& patterns) {
    std::string text;
    for (const Pattern& pattern : patterns) text += pattern.line + "\n";
    return text;
}

}  // namespace dishwall::bench
