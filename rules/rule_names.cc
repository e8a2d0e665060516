// SPDX-License-Identifier: BSD-3-Clause
#include "rules/rule_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "rules/names.h"

namespace dishwall {
namespace {

// `file:line` is how unnamed rules are called, so a given name has no colon.
bool is_rule_name(std::string_view text) {
    const auto is_bad = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f || byte >= 0x80 || c == ':';
    };
    return !text.empty() && text.size() <= kLongestName && std::none_of(text.begin(), text.end(), is_bad);
}

// a.conf; for the second of that name conf.d/a.conf, and so on.
std::string shortest_free(const std::string& name, const std::set<std::string>& taken) {
    std::size_t slash = name.rfind('/');
    while (slash != std::string::npos && taken.count(name.substr(slash + 1)) != 0)
        slash = slash == 0 ? std::string::npos : name.rfind('/', slash - 1);
    return slash == std::string::npos ? name : name.substr(slash + 1);
}

void append(unsigned number, std::string* name) {
    std::array<char, 12> text{':'};
    const auto end = std::to_chars(text.data() + 1, text.data() + text.size(), number).ptr;
    name->append(text.data(), end);
}

}  // namespace

RuleNames::RuleNames(const SourceMap& sources, Diagnostics* diagnostics)
    : diagnostics_(*diagnostics), last_lines_(sources.count()) {
    std::set<std::string> taken;
    for (FileId id = 0; id < sources.count(); ++id) {
        files_.push_back(shortest_free(sources.file(id).name(), taken));
        taken.insert(files_.back());
    }
}

bool RuleNames::name(const ast::Rule& from, Rule* rule) {
    if (!from.name) {
        rule->name = by_place(from.span, rule->place);
        return true;
    }
    rule->name = from.name->text;
    rule->named = true;
    if (!is_rule_name(rule->name)) {
        diagnostics_.report(Code::bad_name, from.name->span,
                            fmt::format("1 to {} printable ASCII characters, no `:`", kLongestName));
        return false;
    }
    const auto [first, is_new] = given_.try_emplace(from.name->text, from.name->span);
    if (is_new) return true;
    diagnostics_.report(Code::duplicate_name, from.name->span, "defined again")
        .and_at(*first, "first defined here");
    return false;
}

// dishwall.conf:31; for a second unnamed rule on the line dishwall.conf:31:20.
std::string RuleNames::by_place(const Span& span, const Place& place) {
    const bool first = std::exchange(last_lines_[span.file], place.line) != place.line;
    std::string name = files_[span.file];
    append(place.line, &name);
    if (!first) append(place.column, &name);
    return name;
}

}  // namespace dishwall
