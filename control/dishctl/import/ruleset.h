// SPDX-License-Identifier: BSD-3-Clause
//
// Another firewall's rules, as its reader understood them: chains of rules, as netfilter has them. The
// readers (read_*) make it, flatten.h judges it. What a reader does not understand it says, and nobody
// guesses.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/dishctl/import/condition.h"
#include "control/dishctl/import/import.h"
#include "rules/result.h"

namespace dishwall::import {

// -i, -o, iifname, oifname. A name may end in a wildcard, + or *.
struct InterfaceMatch {
    bool incoming = true;
    bool negated = false;
    std::vector<std::string> names;
};

// -m addrtype --dst-type LOCAL, fib daddr type local
struct LocalMatch {
    bool of_destination = true;
    bool negated = false;
};

// Why a rule never sees a packet that opens an IPv6 flow.
struct Never {
    ImportRemark::Kind kind = ImportRemark::Kind::left_out;
    std::string why;
};

enum class Action {
    accept,
    drop,
    reject,
    log,      // and on with the next rule
    jump,     // to `target`, and back behind this rule
    go_to,    // to `target`, and back behind the rule that came here
    leave,    // RETURN
    nothing,  // decides nothing
    unknown,  // decides, and nobody knows how
};

struct ForeignRule {
    unsigned line = 0;
    std::string text;  // the original, one line
    std::string name;  // that the original gave; may be anything
    Condition condition;
    std::vector<InterfaceMatch> interfaces;
    std::vector<LocalMatch> local;
    std::optional<Never> never;
    Action action = Action::nothing;
    std::string target;
    std::string why;  // of `nothing` and `unknown`: what it does
    bool log = false;
};

struct ForeignChain {
    std::string name;  // as a reader says it
    std::vector<ForeignRule> rules;
    bool accepts = true;  // by its policy, or what stands for it; of base chains
    unsigned line = 0;    // of the policy
};

enum class Hook { prerouting, input, forward, output, postrouting };

struct BaseChain {
    Hook hook = Hook::input;
    int priority = 0;
    std::string chain;
};

struct ForeignRuleset {
    std::map<std::string, ForeignChain> chains;
    std::vector<BaseChain> bases;
    std::vector<ImportRemark> remarks;        // of what is in no chain
    std::vector<std::string> likely_uplinks;  // interfaces that the rules themselves show to be it
    // OpenWrt: the zones' names stand for interfaces; what the uplink's device is, is written elsewhere.
    bool by_zone = false;
};

[[nodiscard]] Result<ForeignRuleset> read_ip6tables_save(std::string_view text);
[[nodiscard]] Result<ForeignRuleset> read_uci(std::string_view text);
// Of `nft -j list ruleset`.
[[nodiscard]] Result<ForeignRuleset> read_nft_json(std::string_view text);

}  // namespace dishwall::import
