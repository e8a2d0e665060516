// SPDX-License-Identifier: BSD-3-Clause
//
// What differs between two policies, in terms of their rules. A rule is known by its name; one without a name
// by what it means, so that a line more at the top of the file is no difference at all.
#pragma once

#include <string>
#include <vector>

#include "rules/frontend.h"
#include "rules/policy.h"

namespace dishwall {

struct RuleChange {
    enum class Kind { added, removed, changed, moved };
    Kind kind = Kind::added;
    const char* chain = "inbound";
    std::string name;
    std::string before, after;  // as written; empty where there is none
};
[[nodiscard]] const char* to_string(RuleChange::Kind kind);

struct DiffSide {
    const Policy& policy;
    const std::vector<RuleText>& texts;
};

// Inbound first, then outbound; of each its default, then what was removed, then the rest as it is ordered in
// `after`. Of rules that changed places, as few as possible are called moved.
[[nodiscard]] std::vector<RuleChange> diff_rules(const DiffSide& before, const DiffSide& after);

}  // namespace dishwall
