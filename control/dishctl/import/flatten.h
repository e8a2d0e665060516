// SPDX-License-Identifier: BSD-3-Clause
//
// Chains of rules -> the rules that packets of the line meet, in order: netfilter's hooks, jumps and policies
// are followed for each of the four ways that a flow can be opened over the uplink.
//
// What is wrong here opens a door, so the rule for whatever is in doubt is: an accept is left out, and a drop
// that cannot be said makes a doubt of every packet that it may have meant. Accepts behind it that overlap a
// doubt are left out too, and a policy that accepts drops them first. The same holds for what left a chain by
// RETURN.
#pragma once

#include <string>
#include <vector>

#include "control/dishctl/import/ruleset.h"

namespace dishwall::import {

struct FlatRule {
    const ForeignRule* rule = nullptr;  // null: made of a policy
    Condition condition;
    dw_verdict verdict = DW_DROP;
    bool log = false;
    std::string left_out;  // why it is not in force; empty: it is
    std::string why;       // of one that no rule is the origin of: what is
};

// The rules for this machine's own packets, or for those of what is behind it.
struct Section {
    std::vector<FlatRule> rules;
    bool accepts = false;   // what no rule decides
    std::string closed_by;  // why it does not, though the policy accepts
    bool filtered = true;   // false: the original has no rules here
};

struct FlatRuleset {
    std::string uplink;               // as the original calls it; empty: it names no interface
    std::vector<std::string> inside;  // the other interfaces that it names
    Section in_self, in_behind, out_self, out_behind;
    std::vector<ImportRemark> remarks;
};

// `rules` must outlive the result. Fails when the uplink cannot be told, or there are too many rules.
[[nodiscard]] Result<FlatRuleset> flatten(const ForeignRuleset& rules, const std::string& uplink);

}  // namespace dishwall::import
