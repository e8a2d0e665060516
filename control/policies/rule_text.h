// SPDX-License-Identifier: BSD-3-Clause
//
// A rule as text, in two ways: as its author wrote it, taken from the texts of its policy, for people; and as
// what it means with every name looked up, to tell whether two rules are the same. A rule whose text did not
// change may mean something else, because a set that it names did; and one on another line means the same.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/frontend.h"
#include "rules/policy.h"

namespace dishwall {

// "accept tcp 443 from any to dish.pd subnet 0x1 ::10". Without its name; equal texts are equal rules.
[[nodiscard]] std::string meaning_of(const Policy& policy, const Rule& rule);

class RuleTexts {
public:
    // `texts` is referenced.
    explicit RuleTexts(const std::vector<RuleText>& texts);

    // The statement at this place, its blanks folded and its comment left out. Empty: the texts have no such
    // place.
    [[nodiscard]] std::string statement_at(const Place& place) const;

private:
    struct File {
        std::string_view text;
        std::vector<std::size_t> lines;  // where each begins
    };
    std::map<std::string, File, std::less<>> files_;
};

}  // namespace dishwall
