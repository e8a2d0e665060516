// SPDX-License-Identifier: BSD-3-Clause
//
// The table of services: which rule speaks of this port of this host? One Bloom word says no to what most of
// the Internet's knocking is for; else two lines at the most have the answer. Several rules with one key
// (`from a` here, `from b` there) stand in a list, first one first, and are reached by it only.
#pragma once

#include <cstdint>
#include <vector>

#include "rules/image/rule_lines.h"
#include "rules/image/rule_lists.h"

namespace dishwall {

struct ServiceTable {
    std::vector<std::uint64_t> bloom;  // whole lines; empty: there are no services
    std::vector<dw_service> ways;      // DW_SERVICE_WAYS a line
    std::uint64_t seed = 0;
    std::size_t services = 0;
    bool learnt = false;  // some are learnt hosts'
    // Of one key: lines that may be touched for it behind its own, and rules that may have to be verified.
    std::uint32_t worst_lines = 0;
    std::uint32_t worst_rules = 0;
};

// Writes lines that stand in lists behind those in `rules`.
[[nodiscard]] Result<ServiceTable> make_services(const ChainLines& lines, AddressSets* sets,
                                                 std::vector<dw_rule>* rules, RuleLists* lists);

// Lines that may be touched to verify a rule, its own included.
[[nodiscard]] inline std::uint32_t cost(const dw_rule& rule, const AddressSets& sets) {
    return 1 + sets.cost(rule.our_set) + sets.cost(rule.peer_set);
}

}  // namespace dishwall
