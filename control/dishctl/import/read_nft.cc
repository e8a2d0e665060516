// SPDX-License-Identifier: BSD-3-Clause
//
// `nft -j list ruleset`: tables of chains of rules, each rule a list of statements (libnftables-json(5)).
// Rules of families that IPv6 does not come to are said to be left out; a statement that nobody here knows
// makes its rule unclear.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "control/dishctl/import/nft_match.h"
#include "control/dishctl/import/nft_words.h"
#include "control/dishctl/import/ruleset.h"

namespace dishwall::import {
namespace {

using nlohmann::json;

std::string text_in(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string table_of(const json& object) {
    return text_in(object, "family") + " " + text_in(object, "table");
}

bool has_ipv6(const std::string& family) { return family == "ip6" || family == "inet" || family == "netdev"; }

class Reader {
public:
    Result<ForeignRuleset> run(const json& document) {
        const auto objects = document.find("nftables");
        if (objects == document.end() || !objects->is_array())
            return fail("there is no list `nftables` in it: `nft -j list ruleset > FILE` writes one");
        for (const json& one : *objects)
            if (one.is_object() && !one.empty()) read_container(one.begin().key(), one.begin().value());
        for (const json& one : *objects)
            if (one.is_object() && one.contains("rule")) read_rule(one["rule"]);
        return std::move(rules_);
    }

private:
    // ---- chains, sets and maps

    void read_container(const std::string& kind, const json& object) {
        if (kind == "chain") read_chain(object);
        if (kind == "set" || kind == "map") read_set(object);
    }

    void read_set(const json& object) {
        NftSet& set = sets_[table_of(object) + " " + text_in(object, "name")];
        set.elements = object.value("elem", json::array());
        const json flags = object.value("flags", json::array());
        for (const json& flag : flags) set.fixed = set.fixed && flag != "timeout" && flag != "dynamic";
    }

    void read_chain(const json& object) {
        const std::string key = table_of(object) + " " + text_in(object, "name");
        ForeignChain& chain = rules_.chains[key];
        chain.name = "chain " + key;
        chain.accepts = text_in(object, "policy") != "drop";
        static const std::array<std::pair<const char*, Hook>, 7> kHooks{{{"ingress", Hook::prerouting},
                                                                         {"prerouting", Hook::prerouting},
                                                                         {"input", Hook::input},
                                                                         {"forward", Hook::forward},
                                                                         {"output", Hook::output},
                                                                         {"postrouting", Hook::postrouting},
                                                                         {"egress", Hook::postrouting}}};
        const std::string hook = text_in(object, "hook");
        if (!has_ipv6(text_in(object, "family")) || text_in(object, "type") == "nat") return;
        for (const auto& [name, value] : kHooks)
            if (hook == name) rules_.bases.push_back({value, object.value("prio", 0), key});
    }

    // ---- rules

    // The rules of a chain, numbered as a reader counts them.
    void read_rule(const json& object) {
        const std::string chain = table_of(object) + " " + text_in(object, "chain");
        const json statements = object.value("expr", json::array());
        ForeignRule rule;
        rule.text = fmt::format("{} rule {}: {}", chain, ++counts_[chain], nft_rule_words(statements));
        rule.name = text_in(object, "comment");
        const std::string family = text_in(object, "family");
        if (!has_ipv6(family))
            rule.never = Never{.why = family == "ip" ? "it is for IPv4, which no rule judges"
                                                     : "its family is not IPv6's: " + family};
        const NftMatches matches(sets_, table_of(object));
        std::vector<ForeignRule> made{std::move(rule)};
        // nft prints what it has no JSON for as text: a chain without a name, for one.
        for (const json& statement : statements)
            if (statement.is_object() && statement.size() == 1)
                apply(statement.begin().key(), statement.begin().value(), matches, &made);
            else
                apply("without JSON", json(), matches, &made);
        for (ForeignRule& one : made) {
            settle(chain, &one);
            rules_.chains[chain].rules.push_back(std::move(one));
        }
    }

    void settle(const std::string& chain, ForeignRule* rule) {
        if (rule->action == Action::nothing && rule->log) rule->action = Action::log;
        if (rule->action == Action::nothing && rule->why.empty()) rule->why = "it decides nothing";
        if (!rule->target.empty()) rule->target = chain.substr(0, chain.rfind(' ') + 1) + rule->target;
    }

    // A verdict map makes one rule for each of its elements; until then there is one.
    void apply(const std::string& kind, const json& value, const NftMatches& matches,
               std::vector<ForeignRule>* made) {
        if (kind == "vmap") return apply_map(value, matches, made);
        for (ForeignRule& rule : *made) apply_one(kind, value, matches, &rule);
    }

    void apply_one(const std::string& kind, const json& value, const NftMatches& matches, ForeignRule* rule) {
        if (kind == "match") return matches.apply(value, rule);
        if (kind == "counter" || kind == "continue" || kind == "notrack" || kind == "flow") return;
        if (kind == "log") {
            rule->log = true;
        } else if (kind == "limit") {
            apply_nft_limit(value, std::nullopt, rule);
        } else if (kind == "meter" || kind == "set") {
            apply_meter(value, rule);
        } else if (kind == "masquerade" || kind == "snat" || kind == "dnat" || kind == "redirect") {
            note_translation(kind, *rule);
            rule->never =
                Never{.why = "IPv6 addresses are not translated: give the hosts addresses of the delegation"};
        } else if (kind == "mangle" || kind == "ct helper" || kind == "ct timeout" ||
                   kind == "ct expectation") {
            rule->why = kind + " filters nothing; dishwall only filters";
        } else if (!apply_verdict(kind, value, rule)) {
            rule->action = Action::unknown;
            rule->condition.unclear.push_back("the statement " + kind);
            rule->why = "what the statement " + kind + " does with a packet is not known";
        }
    }

    static bool apply_verdict(const std::string& kind, const json& value, ForeignRule* rule) {
        static const std::array<std::pair<const char*, Action>, 6> kVerdicts{{{"accept", Action::accept},
                                                                              {"drop", Action::drop},
                                                                              {"reject", Action::reject},
                                                                              {"jump", Action::jump},
                                                                              {"goto", Action::go_to},
                                                                              {"return", Action::leave}}};
        const auto* found =
            std::ranges::find(kVerdicts, kind, [](const auto& one) { return std::string(one.first); });
        if (found == kVerdicts.end()) return false;
        rule->action = found->second;
        if (value.is_object()) rule->target = text_in(value, "target");
        return true;
    }

    // meter NAME { ip6 saddr limit rate ... }, and the same of a set.
    static void apply_meter(const json& value, ForeignRule* rule) {
        const json key = value.contains("key") ? value["key"] : value.value("elem", json());
        json statement = value.value("stmt", json());
        if (statement.is_array() && statement.size() == 1) statement = statement[0];
        const json source = {{"payload", {{"protocol", "ip6"}, {"field", "saddr"}}}};
        if (key == source && statement.is_object() && statement.contains("limit"))
            return apply_nft_limit(statement["limit"], 128, rule);
        rule->condition.unclear.emplace_back("a meter for anything but a limit for each source");
    }

    void apply_map(const json& map, const NftMatches& matches, std::vector<ForeignRule>* made) {
        const json data = map.value("data", json());
        const NftSet* named = matches.find(data);
        const json elements = named != nullptr   ? named->elements
                              : data.is_object() ? data.value("set", json())
                                                 : json();
        std::vector<ForeignRule> all;
        for (const ForeignRule& before : *made) {
            if (!elements.is_array()) {
                all.push_back(before);
                all.back().action = Action::unknown;
                all.back().condition.unclear.emplace_back("a verdict map that packets or time change");
                all.back().why = all.back().condition.unclear.back();
                continue;
            }
            for (const json& element : elements) {
                all.push_back(before);
                apply_element(map.value("key", json()), element, matches, &all.back());
            }
        }
        *made = std::move(all);
    }

    void apply_element(const json& key, const json& element, const NftMatches& matches, ForeignRule* rule) {
        const bool is_pair =
            element.is_array() && element.size() == 2 && element[1].is_object() && !element[1].empty();
        if (!is_pair) {
            rule->action = Action::unknown;
            rule->why = "an element of a verdict map that is no pair";
            return;
        }
        json value = element[0];
        if (value.is_object() && value.contains("elem")) value = value["elem"].value("val", json());
        if (value == "*")
            rule->condition.unclear.emplace_back("the rest of a verdict map");
        else
            matches.apply(key, "==", value, rule);
        rule->text += " [" + nft_words(value) + "]";
        apply_one(element[1].begin().key(), element[1].begin().value(), matches, rule);
    }

    void note_translation(const std::string& kind, const ForeignRule& rule) {
        if (kind != "masquerade" && kind != "snat") return;
        for (const InterfaceMatch& match : rule.interfaces)
            if (!match.incoming && !match.negated)
                rules_.likely_uplinks.insert(rules_.likely_uplinks.end(), match.names.begin(),
                                             match.names.end());
    }

    ForeignRuleset rules_;
    std::map<std::string, NftSet> sets_;
    std::map<std::string, unsigned> counts_;
};

}  // namespace

Result<ForeignRuleset> read_nft_json(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded() || !document.is_object())
        return fail("this is not JSON; `nft -j list ruleset > FILE` writes what can be read");
    return Reader().run(document);
}

}  // namespace dishwall::import
