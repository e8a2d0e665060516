// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/uplink.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace dishwall::import {
namespace {

bool is_wildcard(const std::string& name) {
    return !name.empty() && (name.back() == '+' || name.back() == '*');
}

bool fits(const std::string& pattern, const std::string& interface) {
    if (!is_wildcard(pattern)) return pattern == interface;
    return interface.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

std::set<std::string> all_interfaces(const ForeignRuleset& rules) {
    std::set<std::string> names;
    for (const auto& [name, chain] : rules.chains)
        for (const ForeignRule& rule : chain.rules)
            for (const InterfaceMatch& match : rule.interfaces)
                for (const std::string& one : match.names)
                    if (one != "lo" && !is_wildcard(one)) names.insert(one);
    return names;
}

bool has_wildcards(const ForeignRuleset& rules) {
    for (const auto& [name, chain] : rules.chains)
        for (const ForeignRule& rule : chain.rules)
            for (const InterfaceMatch& match : rule.interfaces)
                if (std::ranges::any_of(match.names, is_wildcard)) return true;
    return false;
}

bool sounds_like_one(const std::string& name) {
    return std::ranges::any_of(std::array{"wan", "ppp", "dish", "uplink", "starlink", "inet"},
                               [&](const char* word) { return name.find(word) != std::string::npos; });
}

}  // namespace

Result<std::string> choose_uplink(const ForeignRuleset& rules, const std::string& wanted) {
    const std::set<std::string> names = all_interfaces(rules);
    if (!wanted.empty() && (!rules.by_zone || names.contains(wanted))) return wanted;
    std::set<std::string> likely(rules.likely_uplinks.begin(), rules.likely_uplinks.end());
    if (likely.empty())
        for (const std::string& name : names)
            if (sounds_like_one(name)) likely.insert(name);
    if (likely.size() == 1) return *likely.begin();
    if (names.empty() && !has_wildcards(rules)) return std::string();
    return fail(
        "which interface faces the Internet cannot be told from these rules, which name {}: say it with "
        "--uplink NAME",
        names.empty() ? "none but by wildcards" : fmt::format("{}", fmt::join(names, ", ")));
}

std::vector<std::string> interfaces_behind(const ForeignRuleset& rules, const std::string& uplink) {
    std::set<std::string> names = all_interfaces(rules);
    names.erase(uplink);
    std::vector<std::string> behind(names.begin(), names.end());
    std::stable_partition(behind.begin(), behind.end(),
                          [](const std::string& name) { return name.find("lan") != std::string::npos; });
    return behind;
}

bool names_interface(const InterfaceMatch& match, const std::string& interface) {
    return std::ranges::any_of(match.names, [&](const std::string& one) { return fits(one, interface); });
}

bool add_inside(const InterfaceMatch& match, const std::string& uplink, End* end) {
    std::vector<std::string> names;
    for (const std::string& one : match.names) {
        if (one == "+" || one == "*") return true;  // the kernel takes no negation of it
        if (is_wildcard(one)) return false;
        if (one != "lo" && one != uplink) names.push_back(one);
    }
    if (match.negated) {
        end->not_behind.insert(end->not_behind.end(), names.begin(), names.end());
    } else if (!end->behind) {
        end->behind = names;
    } else {
        std::erase_if(*end->behind,
                      [&](const std::string& one) { return std::ranges::find(names, one) == names.end(); });
    }
    return true;
}

}  // namespace dishwall::import
