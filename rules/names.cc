// SPDX-License-Identifier: BSD-3-Clause
#include "rules/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace dishwall {
namespace {

constexpr std::pair<std::string_view, std::uint8_t> kIcmpv6Types[] = {
    {"destination-unreachable", 1},
    {"packet-too-big", 2},
    {"time-exceeded", 3},
    {"parameter-problem", 4},
    {"echo-request", 128},
    {"echo-reply", 129},
    {"mld-listener-query", 130},
    {"mld-listener-report", 131},
    {"mld-listener-done", 132},
    {"mld-listener-reduction", 132},
    {"nd-router-solicit", 133},
    {"router-solicitation", 133},
    {"nd-router-advert", 134},
    {"router-advertisement", 134},
    {"nd-neighbor-solicit", 135},
    {"neighbour-solicitation", 135},
    {"neighbor-solicitation", 135},
    {"nd-neighbor-advert", 136},
    {"neighbour-advertisement", 136},
    {"neighbor-advertisement", 136},
    {"nd-redirect", 137},
    {"redirect", 137},
    {"router-renumbering", 138},
    {"node-information-query", 139},
    {"node-information-response", 140},
    {"ind-neighbor-solicit", 141},
    {"ind-neighbor-advert", 142},
    {"mld2-listener-report", 143},
    {"home-agent-discovery-request", 144},
    {"home-agent-discovery-reply", 145},
    {"mobile-prefix-solicitation", 146},
    {"mobile-prefix-advertisement", 147},
    {"certification-path-solicitation", 148},
    {"certification-path-advertisement", 149},
    {"multicast-router-advertisement", 151},
    {"multicast-router-solicitation", 152},
    {"multicast-router-termination", 153},
};

constexpr std::size_t kLongestCompared = 64;

// Edits that turn `a` into `b` (optimal string alignment), or `most` + 1 when there are more.
std::size_t edits(std::string_view a, std::string_view b, std::size_t most) {
    const std::size_t apart = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
    if (apart > most || a.size() > kLongestCompared || b.size() > kLongestCompared) return most + 1;
    std::array<std::array<std::size_t, kLongestCompared + 1>, 3> rows;
    for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto& row = rows[i % 3];
        const auto& above = rows[(i + 2) % 3];
        const auto& two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], two_above[j - 2] + 1);
        }
    }
    return std::min(rows[a.size() % 3][b.size()], most + 1);
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kLongestName &&
           std::all_of(text.begin(), text.end(), is_name_character);
}

std::optional<std::string_view> nearest(std::string_view word,
                                        const std::vector<std::string_view>& candidates) {
    std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
    std::optional<std::string_view> found;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = edits(word, candidate, best - 1);
        if (distance >= best || distance >= candidate.size()) continue;
        best = distance;
        found = candidate;
        if (best == 0) break;
    }
    return found;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
    const auto candidate = nearest(word, candidates);
    return candidate ? fmt::format("did you mean `{}`?", *candidate) : std::string();
}

std::optional<std::uint8_t> icmpv6_type(std::string_view name) {
    for (const auto& [known, type] : kIcmpv6Types)
        if (known == name) return type;
    return std::nullopt;
}

const std::vector<std::string_view>& icmpv6_type_names() {
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> made;
        for (const auto& [name, type] : kIcmpv6Types) made.push_back(name);
        return made;
    }();
    return names;
}

}  // namespace dishwall
