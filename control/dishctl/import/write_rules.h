// SPDX-License-Identifier: BSD-3-Clause
//
// Flat rules -> the text of a rule file. Each rule says above itself what it was made of.
//
// The two sections of a direction are for different packets, this machine's own and others', so one of them
// stands first and ends with a rule for all that is left of its packets: then the other needs no exceptions.
// This machine is first, as `to self`, unless a rule of it names an address: `self` and that address together
// have no form.
#pragma once

#include <string>
#include <vector>

#include "control/dishctl/import/flatten.h"
#include "control/dishctl/import/import.h"

namespace dishwall::import {

// One line of a policy block, or a commented one.
struct RuleLine {
    const ForeignRule* rule = nullptr;
    std::string text;      // without the indent
    std::string left_out;  // why it is behind a #; empty: it is in force
    std::string why;       // what is said above one that was made of no rule
};

struct RuleFile {
    std::string head;  // up to the first policy block
    std::vector<RuleLine> inbound, outbound;
    std::string inbound_default, outbound_default;  // verdicts
    std::vector<ImportRemark> remarks;              // what somebody has to look at
};

[[nodiscard]] RuleFile write_rules(const FlatRuleset& rules, bool by_zone, const ImportOptions& options);

// The whole text, with `remarks` at its end. `places` gets, for each line of the text (from 1), the line of
// which list it is: &file.inbound[i], or null.
[[nodiscard]] std::string text_of(const RuleFile& file, const std::vector<ImportRemark>& remarks,
                                  std::vector<const RuleLine*>* places);

// Foreign text as a comment: one line, nothing in it that means something here, not too long.
[[nodiscard]] std::string as_comment(std::string_view text, std::size_t longest = 160);

}  // namespace dishwall::import
