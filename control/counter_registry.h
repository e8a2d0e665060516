// SPDX-License-Identifier: BSD-3-Clause
//
// Which counter belongs to which rule. Totals must survive a load and a restart by the rule's name (not its
// place in the file), so a name keeps its counter as long as there is room: a name that a load no longer has
// stays listed as "gone", and only when all ids are taken is the one that went first used again.
//
// A value: a load works on a copy, which takes the original's place once the new policy is in force.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/core/layout.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

[[nodiscard]] std::string to_string(dw_verdict verdict);  // "accept"
[[nodiscard]] std::string to_string(const Place& place);  // "dishwall.conf:31", without directories

struct RuleCounter {
    std::uint32_t id = 0;  // DW_REASONS_MAX..DW_COUNTERS-1
    std::string name;
    std::string place;             // file:line where the rule is, or was last
    std::string chain;             // "inbound" or "outbound", also of a gone one
    std::string verdict;           // "accept"
    std::uint64_t gone_since = 0;  // the load that had it no more; 0: it is in force

    [[nodiscard]] bool is_gone() const { return gone_since != 0; }
    bool operator==(const RuleCounter&) const = default;
};

class CounterRegistry {
public:
    // `ids`: how many rule counters there are.
    explicit CounterRegistry(std::uint32_t ids = DW_RULES_MAX) : ids_(ids) {}

    // Fails, with nothing changed, when the text is not a registry.
    [[nodiscard]] Result<void> from_json(std::string_view text);
    [[nodiscard]] std::string to_json() const;

    // Gives every rule of the policy its counter. Returns the ids that belonged to another name before and
    // have to be zeroed. Fails, with nothing changed, when the policy has more names than there are counters.
    [[nodiscard]] Result<std::vector<std::uint32_t>> assign(const Policy& policy);

    // Of a rule of the policy assigned last.
    [[nodiscard]] std::uint32_t id_of(const Rule& rule) const { return by_name_.at(rule.name).id; }
    // Null: nobody's.
    [[nodiscard]] const RuleCounter* find(std::uint32_t id) const;
    // In order of ids.
    [[nodiscard]] std::vector<RuleCounter> list() const;

private:
    // Those nobody has, then the gone ones, the longest gone first.
    [[nodiscard]] std::vector<std::uint32_t> available_ids() const;

    std::uint32_t ids_;
    std::uint64_t loads_ = 0;
    std::map<std::string, RuleCounter> by_name_;
    std::map<std::uint32_t, std::string> by_id_;
};

}  // namespace dishwall
