// SPDX-License-Identifier: BSD-3-Clause
#include "rules/pages.h"

#include <algorithm>
#include <charconv>

#include "rules/pages_text.h"

namespace dishwall {
namespace {

constexpr Code kCodes[] = {
#define DW_DIAGNOSTIC_CODE(identifier, number, severity, title) Code::identifier,
    DW_DIAGNOSTICS(DW_DIAGNOSTIC_CODE)
#undef DW_DIAGNOSTIC_CODE
};

// The letter in front, if there is one, has to be the code's.
bool has_letter(Code code, char letter) {
    const char own = severity_of(code) == Severity::error ? 'E' : 'W';
    return letter == own || letter == own + ('a' - 'A');
}

}  // namespace

std::string_view page_of(Code code) {
    const auto* const end = kPages + kPageCount;
    const auto* const page = std::find_if(
        kPages, end, [&](const Page& each) { return each.number == static_cast<unsigned>(code); });
    return page == end ? std::string_view() : page->text;
}

std::optional<Code> code_named(std::string_view name) {
    const bool lettered = !name.empty() && (name[0] < '0' || name[0] > '9');
    const std::string_view digits = name.substr(lettered ? 1 : 0);
    unsigned number = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
    for (const Code code : kCodes)
        if (static_cast<unsigned>(code) == number && (!lettered || has_letter(code, name[0]))) return code;
    return std::nullopt;
}

}  // namespace dishwall
