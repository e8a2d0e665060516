// SPDX-License-Identifier: BSD-3-Clause
//
// OpenWrt's /etc/config/firewall. Zones stand for interfaces: their devices are in another file. The chains
// are made in the order of OpenWrt's own firewall4: rules for any zone, then those of the packet's zone, then
// forwardings, then the zone's policy, then the default.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "control/dishctl/import/ruleset.h"
#include "control/dishctl/import/values.h"

namespace dishwall::import {
namespace {

// ---- sections

struct Setting {
    std::string name;
    std::vector<std::string> values;
};

struct SectionOfUci {
    std::string type, name;
    unsigned line = 0;
    std::vector<Setting> settings;

    [[nodiscard]] const Setting* find(std::string_view setting) const {
        const auto found = std::ranges::find(settings, setting, &Setting::name);
        return found == settings.end() ? nullptr : &*found;
    }
    [[nodiscard]] std::string text_of(std::string_view setting, std::string_view otherwise = "") const {
        const Setting* found = find(setting);
        return found != nullptr && !found->values.empty() ? found->values.front() : std::string(otherwise);
    }
    // Lists may also be one text with blanks.
    [[nodiscard]] std::vector<std::string> words_of(std::string_view setting) const {
        std::vector<std::string> words;
        if (const Setting* found = find(setting))
            for (const std::string& value : found->values)
                for (const std::string_view word : split(value, ' ')) words.emplace_back(word);
        return words;
    }
    [[nodiscard]] std::string describe() const {
        const std::string title = text_of("name", name);
        return title.empty() ? "config " + type : fmt::format("config {} '{}'", type, title);
    }
};

std::vector<std::string> words_in(std::string_view line) {
    std::vector<std::string> words;
    char quote = 0;
    bool inside = false;
    for (const char c : line) {
        if (quote == 0 && !inside && c == '#') break;
        if (quote == 0 && (c == ' ' || c == '\t' || c == '\r')) {
            inside = false;
            continue;
        }
        if (!inside) words.emplace_back();
        inside = true;
        if (quote == 0 && (c == '\'' || c == '"'))
            quote = c;
        else if (c == quote)
            quote = 0;
        else
            words.back() += c;
    }
    return words;
}

Result<std::vector<SectionOfUci>> sections_in(std::string_view text) {
    std::vector<SectionOfUci> sections;
    for (unsigned number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::vector<std::string> words = words_in(line);
        if (words.empty() || words[0] == "package") continue;
        if (words[0] == "config" && words.size() >= 2) {
            sections.push_back({words[1], words.size() > 2 ? words[2] : "", number, {}});
        } else if ((words[0] == "option" || words[0] == "list") && words.size() == 3 && !sections.empty()) {
            auto& settings = sections.back().settings;
            const auto found = std::ranges::find(settings, words[1], &Setting::name);
            if (found == settings.end())
                settings.push_back({words[1], {words[2]}});
            else if (words[0] == "list")
                found->values.push_back(words[2]);
            else
                found->values = {words[2]};
        } else {
            return fail(
                "line {} is not of /etc/config/firewall: expected `config TYPE`, `option NAME VALUE` or "
                "`list "
                "NAME VALUE`",
                number);
        }
    }
    return sections;
}

// ---- what a section means

Action action_of(const std::string& policy) {
    const std::string word = lower_case(policy);
    return word == "accept" ? Action::accept : word == "reject" ? Action::reject : Action::drop;
}

bool has_negation(const std::vector<std::string>& words) {
    return std::ranges::any_of(words, [](const std::string& word) { return word.starts_with('!'); });
}

// True: all begin with !, which is taken away. Mixed ones are unclear.
bool take_negation(std::vector<std::string>* words, Condition* condition) {
    if (!has_negation(*words)) return false;
    for (std::string& word : *words) {
        if (!word.starts_with('!')) condition->unclear.emplace_back("some values negated and others not");
        word.erase(0, word.starts_with('!') ? 1 : 0);
    }
    std::erase(*words, "");
    return true;
}

void by_protocols(const SectionOfUci& section, ForeignRule* rule) {
    std::vector<std::string> words = section.words_of("proto");
    if (words.empty()) words = {"tcp", "udp"};
    std::bitset<256> protocols;
    for (const std::string& word : words) {
        if (word == "all" || word == "any" || word == "*") return;
        const auto protocol = protocol_named(word == "icmp" ? "icmpv6" : word);
        if (word == "tcpudp")
            protocols.set(6).set(17);
        else if (protocol)
            protocols.set(*protocol);
        else
            return rule->condition.unclear.push_back("the protocol " + word);
    }
    only_protocols(&rule->condition, protocols);
}

void by_addresses(const SectionOfUci& section, const char* setting, bool source, ForeignRule* rule) {
    std::vector<std::string> words = section.words_of(setting);
    if (words.empty()) return;
    const bool negated = take_negation(&words, &rule->condition);
    if (!negated && std::ranges::all_of(words, [](const std::string& word) { return is_ipv4(word); })) {
        rule->never = Never{.why = "its addresses are IPv4's, which no rule judges"};
        return;
    }
    only_addresses(&rule->condition, source, words, negated);
}

void by_port_words(const SectionOfUci& section, const char* setting, bool source, ForeignRule* rule) {
    std::vector<std::string> words = section.words_of(setting);
    if (words.empty()) return;
    const bool negated = take_negation(&words, &rule->condition);
    std::vector<PortRange> ranges;
    for (const std::string& word : words) {
        const auto range = port_range(word);
        if (!range) return rule->condition.unclear.push_back("the port " + word);
        ranges.push_back(*range);
    }
    only_ports(&rule->condition, source, Ports(std::move(ranges)), negated);
}

void by_types(const SectionOfUci& section, ForeignRule* rule) {
    const std::vector<std::string> words = section.words_of("icmp_type");
    if (words.empty() || std::ranges::find(words, "any") != words.end()) return;
    if (has_negation(words)) return rule->condition.unclear.push_back("ICMP types but some");
    only_icmp_types(&rule->condition, {words.begin(), words.end()}, false);
}

void by_limit(const SectionOfUci& section, ForeignRule* rule) {
    const std::string text = section.text_of("limit");
    if (text.empty()) return;
    const std::vector<std::string_view> halves = split(text, '/');
    const auto packets = halves.empty() ? std::nullopt : number_in(halves[0]);
    const auto burst = number_in(section.text_of("limit_burst", "5"));
    if (!packets || !burst || halves.size() > 2)
        return rule->condition.unclear.push_back("the limit " + text);
    only_rate(&rule->condition, *packets, halves.size() == 2 ? halves[1] : "s", *burst, std::nullopt);
}

void by_other_settings(const SectionOfUci& section, ForeignRule* rule) {
    static const std::array kRead{"name",    "src",      "dest",      "proto",   "family",      "src_ip",
                                  "dest_ip", "src_port", "dest_port", "limit",   "limit_burst", "icmp_type",
                                  "target",  "enabled",  "log",       "counter", "comment",     "uuid"};
    for (const Setting& setting : section.settings)
        if (std::ranges::find(kRead, setting.name) == kRead.end())
            rule->condition.unclear.push_back(
                setting.name == "src_mac"
                    ? "a MAC address: write `host NAME = NETWORK mac ADDRESS` and the rule for that host"
                    : fmt::format("dishwall has no word for `option {}`", setting.name));
}

ForeignRule rule_of(const SectionOfUci& section) {
    ForeignRule rule;
    rule.line = section.line;
    rule.text = section.describe();
    rule.name = section.text_of("name", section.name);
    rule.log = section.text_of("log", "0") != "0";
    const std::string family = lower_case(section.text_of("family", "any"));
    if (family == "ipv4") rule.never = Never{.why = "it is for IPv4, which no rule judges"};
    if (section.text_of("enabled", "1") == "0") rule.never = Never{.why = "it is not enabled"};
    return rule;
}

void read_rule_target(const SectionOfUci& section, ForeignRule* rule) {
    const std::string target = lower_case(section.text_of("target", "DROP"));
    if (target == "accept" || target == "drop" || target == "reject") {
        rule->action = action_of(target);
        return;
    }
    rule->action = Action::nothing;
    rule->why = target + " filters nothing; dishwall only filters";
}

// ---- the whole file

class Reader {
public:
    explicit Reader(std::vector<SectionOfUci> sections) : sections_(std::move(sections)) {}

    Result<ForeignRuleset> run() {
        rules_.by_zone = true;
        for (const SectionOfUci& section : sections_) {
            if (section.type == "defaults") defaults_ = &section;
            if (section.type == "zone") zones_.push_back(&section);
        }
        if (zones_.empty()) return fail("there is no zone in it: is it OpenWrt's /etc/config/firewall?");
        find_uplinks();
        make_bases();
        for (const SectionOfUci& section : sections_) read(section);
        for (const SectionOfUci* zone : zones_) end_zone(*zone);
        for (const char* chain : {"input", "forward", "output"})
            if (defaults_ != nullptr && action_of(defaults_->text_of(chain, "DROP")) == Action::reject)
                rules_.chains[chain].rules.push_back(policy_of(*defaults_, chain));
        return std::move(rules_);
    }

private:
    static std::string zone_name(const SectionOfUci& zone) { return zone.text_of("name", zone.name); }

    void find_uplinks() {
        for (const SectionOfUci* zone : zones_) {
            const std::vector<std::string> networks = zone->words_of("network");
            const auto has = [&](const char* network) {
                return std::ranges::find(networks, network) != networks.end();
            };
            if (zone_name(*zone) == "wan" || has("wan6") || has("wan"))
                rules_.likely_uplinks.push_back(zone_name(*zone));
        }
    }

    ForeignChain& base(const char* chain, const char* title, Hook hook) {
        ForeignChain& made = rules_.chains[chain];
        made.name = title;
        made.accepts = defaults_ != nullptr && action_of(defaults_->text_of(chain, "DROP")) == Action::accept;
        made.line = defaults_ == nullptr ? 0 : defaults_->line;
        rules_.bases.push_back({hook, 0, chain});
        return made;
    }

    void make_bases() {
        base("input", "the input default", Hook::input);
        base("forward", "the forward default", Hook::forward);
        base("output", "the output default", Hook::output);
        for (const SectionOfUci* zone : zones_)
            for (const char* chain : {"input", "forward", "output"}) {
                ForeignChain& made = rules_.chains[std::string(chain) + " " + zone_name(*zone)];
                made.name = fmt::format("{} of zone {}", chain, zone_name(*zone));
            }
    }

    void remark(const SectionOfUci& section, std::string why) {
        rules_.remarks.push_back(
            {ImportRemark::Kind::left_out, section.line, section.describe(), std::move(why)});
    }

    void read(const SectionOfUci& section) {
        if (section.type == "rule") return read_rule(section);
        if (section.type == "forwarding") return read_forwarding(section);
        if (section.type == "redirect" || section.type == "nat")
            return remark(section,
                          section.text_of("family") == "ipv6" ||
                                  section.text_of("dest_ip").find(':') != std::string::npos
                              ? "IPv6 addresses are not translated: write an accept to the host itself"
                              : "it translates addresses, which is for IPv4");
        if (section.type == "include") return remark(section, "what is in that file was not read");
        if (section.type == "ipset") return remark(section, "write its entries as a `set`, or as a `feed`");
        if (section.type == "defaults") return read_defaults(section);
        if (section.type != "zone") remark(section, "it is not known what a section of this type does");
    }

    void read_defaults(const SectionOfUci& section) {
        if (section.text_of("synflood_protect", section.text_of("syn_flood", "0")) != "0")
            remark(section,
                   "synflood_protect: dishwall limits by rule; write `rate` behind those that accept");
    }

    // A zone's own chain comes behind the rules for any zone.
    void read_rule(const SectionOfUci& section) {
        ForeignRule rule = rule_of(section);
        by_protocols(section, &rule);
        by_addresses(section, "src_ip", true, &rule);
        by_addresses(section, "dest_ip", false, &rule);
        by_port_words(section, "src_port", true, &rule);
        by_port_words(section, "dest_port", false, &rule);
        by_types(section, &rule);
        by_limit(section, &rule);
        by_other_settings(section, &rule);
        read_rule_target(section, &rule);
        const std::string src = section.text_of("src"), dest = section.text_of("dest");
        const char* chain = src.empty() ? "output" : dest.empty() ? "input" : "forward";
        if (!src.empty() && !dest.empty() && dest != "*") rule.interfaces.push_back({false, false, {dest}});
        const std::string& zone = src.empty() ? dest : src;
        add(chain, zone, section, std::move(rule));
    }

    void read_forwarding(const SectionOfUci& section) {
        ForeignRule rule = rule_of(section);
        const std::string src = section.text_of("src"), dest = section.text_of("dest");
        rule.text = fmt::format("config forwarding {} -> {}", src, dest);
        rule.name.clear();
        rule.action = Action::accept;
        if (dest != "*") rule.interfaces.push_back({false, false, {dest}});
        by_other_settings(section, &rule);
        if (src.empty() || dest.empty()) return remark(section, "it needs src and dest");
        forwardings_[src].push_back(std::move(rule));
    }

    void add(const std::string& chain, const std::string& zone, const SectionOfUci& section,
             ForeignRule rule) {
        if (zone.empty() || zone == "*") return rules_.chains[chain].rules.push_back(std::move(rule));
        const auto own = rules_.chains.find(chain + " " + zone);
        if (own == rules_.chains.end()) return remark(section, "there is no zone " + zone);
        own->second.rules.push_back(std::move(rule));
    }

    void end_zone(const SectionOfUci& zone) {
        const std::string name = zone_name(zone);
        for (const char* chain : {"input", "forward", "output"}) {
            const std::string own = std::string(chain) + " " + name;
            ForeignRule jump;
            jump.line = zone.line;  // and no text: nobody wrote it
            jump.action = Action::jump;
            jump.target = own;
            jump.interfaces.push_back({chain != std::string_view("output"), false, {name}});
            auto& rules = rules_.chains[own].rules;
            if (chain == std::string_view("forward")) {
                for (ForeignRule& rule : forwardings_[name]) rules.push_back(std::move(rule));
                for (const ForeignRule& rule : forwardings_["*"]) rules.push_back(rule);
            } else {
                rules.push_back(policy_of(zone, chain));
            }
            rules_.chains[chain].rules.push_back(std::move(jump));
        }
    }

    [[nodiscard]] ForeignRule policy_of(const SectionOfUci& zone, const char* chain) const {
        ForeignRule rule;
        rule.line = zone.line;
        const std::string by_default = defaults_ == nullptr ? "DROP" : defaults_->text_of(chain, "DROP");
        const std::string policy = zone.text_of(chain, by_default);
        rule.text = fmt::format("{}, {} {}", zone.describe(), chain, policy);
        rule.action = action_of(policy);
        const std::string family = lower_case(zone.text_of("family", "any"));
        if (family == "ipv4") rule.never = Never{.why = "it is for IPv4, which no rule judges"};
        return rule;
    }

    const std::vector<SectionOfUci> sections_;
    const SectionOfUci* defaults_ = nullptr;
    std::vector<const SectionOfUci*> zones_;
    std::map<std::string, std::vector<ForeignRule>> forwardings_;  // by source zone
    ForeignRuleset rules_;
};

}  // namespace

Result<ForeignRuleset> read_uci(std::string_view text) {
    auto sections = sections_in(text);
    if (!sections) return tl::unexpected(sections.error());
    return Reader(std::move(*sections)).run();
}

}  // namespace dishwall::import
