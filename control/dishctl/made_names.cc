// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/made_names.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/literal.h"
#include "rules/names.h"

namespace dishwall {
namespace {

constexpr std::size_t kLongest = kLongestName - 8;  // room for a number

std::string legal(std::string_view wanted) {
    std::string name;
    for (const char c : wanted) {
        if (is_name(std::string_view(&c, 1)))
            name += c;
        else if (!name.empty() && name.back() != '-')
            name += '-';
        if (name.size() == kLongest) break;
    }
    while (!name.empty() && name.back() == '-') name.pop_back();
    while (!name.empty() && name.front() == '-') name.erase(0, 1);
    return name;
}

// Words of the language that are no names where an address may be followed by them.
bool is_a_word_of_rules(std::string_view name) {
    static constexpr std::string_view kWords[] = {"burst", "per",  "on-failure", "expect",
                                                  "by",    "with", "default",    "endpoint-independent"};
    return std::ranges::find(kWords, name) != std::end(kWords);
}

bool may_be_one(const std::string& name) {
    if (is_a_word_of_rules(name)) return false;
    Diagnostics nobody_reads;
    return check_name({name, {}}, &nobody_reads);
}

}  // namespace

std::string interface_word(std::string_view name) {
    const auto may_stand_there = [](char c) {
        return c > ' ' && c <= '~' && c != '"' && c != '/' && c != ':';
    };
    if (name.empty() || name.size() >= IFNAMSIZ || !std::ranges::all_of(name, may_stand_there)) return {};
    const auto plain = [](char c) { return c == '.' || is_name(std::string_view(&c, 1)); };
    return std::ranges::all_of(name, plain) ? std::string(name) : fmt::format("\"{}\"", name);
}

std::string MadeNames::make(std::string_view wanted, std::string_view otherwise) {
    std::string name = legal(wanted);
    if (!may_be_one(name))
        name = name.empty() ? std::string(otherwise) : fmt::format("{}-{}", otherwise, name);
    std::string free = name;
    for (unsigned number = 2; !taken_.insert(free).second; ++number)
        free = fmt::format("{}-{}", name, number);
    return free;
}

}  // namespace dishwall
