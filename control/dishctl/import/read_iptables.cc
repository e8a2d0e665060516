// SPDX-License-Identifier: BSD-3-Clause
//
// What ip6tables-save prints: `*table`, `:CHAIN POLICY`, `-A CHAIN matches -j TARGET`, COMMIT. Each option is
// a line of a table; one that is not there makes its rule unclear, whatever it means.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "control/dishctl/import/ruleset.h"
#include "control/dishctl/import/values.h"

namespace dishwall::import {
namespace {

constexpr char kNoTranslation[] =
    "IPv6 addresses are not translated: give the hosts addresses of the delegation";
constexpr char kKnownFlows[] = "built in: packets of known flows pass, and invalid ones do not";

// ---- words

// As a shell would, but only what iptables writes: blanks, "double quotes", backslashes in them.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    bool inside = false, quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (!quoted && (c == ' ' || c == '\t')) {
            inside = false;
            continue;
        }
        if (!inside) words.emplace_back();
        inside = true;
        if (c == '"')
            quoted = !quoted;
        else
            words.back() += c == '\\' && quoted && i + 1 < line.size() ? line[++i] : c;
    }
    return words;
}

struct Options {
    std::vector<std::string> words;
    std::size_t at = 0;

    [[nodiscard]] bool done() const { return at >= words.size(); }
    std::string next() { return done() ? std::string() : words[at++]; }
};

// ---- matches

// -m hashlimit is several options that only together are a rate.
struct HashLimit {
    bool present = false;
    std::string upto, mode;
    std::uint64_t burst = 5;
    unsigned source_length = 128;
};

struct Match {
    ForeignRule* rule;
    std::string value;
    bool negated = false;
    HashLimit* hash = nullptr;
};

void unclear(ForeignRule* rule, std::string what) { rule->condition.unclear.push_back(std::move(what)); }

void never(ForeignRule* rule, ImportRemark::Kind kind, std::string why) {
    rule->never = {kind, std::move(why)};
}

void by_interface(const Match& match, bool incoming) {
    match.rule->interfaces.push_back({incoming, match.negated, {match.value}});
}

void by_protocol(const Match& match) {
    if (match.value == "all" || match.value == "0") return;
    const auto protocol = protocol_named(match.value);
    if (!protocol) return unclear(match.rule, "the protocol " + match.value);
    const auto one = std::bitset<256>().set(*protocol);
    only_protocols(&match.rule->condition, match.negated ? ~one : one);
}

void by_ports(const Match& match, bool source) {
    std::vector<PortRange> ranges;
    for (const std::string_view word : split(match.value, ',')) {
        const auto range = port_range(word);
        if (!range) return unclear(match.rule, "the port " + std::string(word));
        ranges.push_back(*range);
    }
    only_ports(&match.rule->condition, source, Ports(std::move(ranges)), match.negated);
}

void by_address(const Match& match, bool source) {
    only_addresses(&match.rule->condition, source, {match.value}, match.negated);
}

void by_icmp_type(const Match& match) {
    if (match.value != "any") only_icmp_types(&match.rule->condition, {match.value}, match.negated);
}

void by_state(const Match& match) {
    const std::vector<std::string_view> states = split(match.value, ',');
    const auto has = [&](std::string_view state) { return std::ranges::find(states, state) != states.end(); };
    if (has("NEW") != match.negated) return;
    if (has("UNTRACKED") || has("DNAT") || has("SNAT"))
        return never(match.rule, ImportRemark::Kind::left_out,
                     "untracked and translated packets are not told apart");
    never(match.rule, ImportRemark::Kind::built_in, kKnownFlows);
}

void by_flags(const Match& match, const std::string& mask_text, const std::string& value_text) {
    const auto bits = [](const std::string& text) -> std::optional<unsigned> {
        unsigned all = 0;
        for (const std::string_view word : split(text, ',')) {
            const auto flag = tcp_flag_named(word);
            if (!flag) return std::nullopt;
            all |= *flag;
        }
        return all;
    };
    const auto mask = bits(mask_text), value = bits(value_text);
    const OfOpener says = mask && value ? flags_of_opener(*mask, *value) : OfOpener::unknown;
    if (says == OfOpener::unknown) return unclear(match.rule, "TCP flags");
    if ((says == OfOpener::always) == match.negated)
        never(match.rule, ImportRemark::Kind::built_in, "built in: only a SYN opens a TCP flow");
}

void by_address_type(const Match& match, bool of_destination) {
    if (match.value != "LOCAL") return unclear(match.rule, "addresses of type " + match.value);
    match.rule->local.push_back({of_destination, match.negated});
}

// "10/sec" -> 10, "sec"
std::optional<std::pair<std::uint32_t, std::string>> per_time(const std::string& text) {
    const std::vector<std::string_view> halves = split(text, '/');
    const auto number = halves.size() == 2 ? number_in(halves[0]) : std::nullopt;
    if (!number) return std::nullopt;
    return std::pair(*number, std::string(halves[1]));
}

void by_limit(const Match& match, std::uint64_t burst) {
    const auto rate = per_time(match.value);
    if (!rate || match.negated) return unclear(match.rule, "the limit " + match.value);
    only_rate(&match.rule->condition, rate->first, rate->second, burst, std::nullopt);
}

void finish_hash_limit(const HashLimit& limit, ForeignRule* rule) {
    if (!limit.present) return;
    const auto rate = per_time(limit.upto);
    if (!rate || limit.mode != "srcip")
        return unclear(rule, "a hashlimit for anything but `upto` and `srcip`");
    only_rate(&rule->condition, rate->first, rate->second, limit.burst,
              static_cast<std::uint8_t>(limit.source_length));
}

struct Option {
    const char* name;
    std::function<void(const Match&)> read;
};

const std::vector<Option>& options_with_a_value() {
    static const std::vector<Option> kAll = {
        {"-i", [](const Match& m) { by_interface(m, true); }},
        {"-o", [](const Match& m) { by_interface(m, false); }},
        {"-p", by_protocol},
        {"-s", [](const Match& m) { by_address(m, true); }},
        {"-d", [](const Match& m) { by_address(m, false); }},
        {"--src-range", [](const Match& m) { by_address(m, true); }},
        {"--dst-range", [](const Match& m) { by_address(m, false); }},
        {"--sport", [](const Match& m) { by_ports(m, true); }},
        {"--dport", [](const Match& m) { by_ports(m, false); }},
        {"--sports", [](const Match& m) { by_ports(m, true); }},
        {"--dports", [](const Match& m) { by_ports(m, false); }},
        {"--icmpv6-type", by_icmp_type},
        {"--state", by_state},
        {"--ctstate", by_state},
        {"--dst-type", [](const Match& m) { by_address_type(m, true); }},
        {"--src-type", [](const Match& m) { by_address_type(m, false); }},
        {"--comment", [](const Match& m) { m.rule->name = m.value; }},
        {"--limit-burst", [](const Match&) {}},  // read with --limit
        {"--hashlimit-upto", [](const Match& m) { m.hash->upto = m.value; }},
        {"--hashlimit-above",
         [](const Match& m) { unclear(m.rule, "what is above a limit: accept what is below it instead"); }},
        {"--hashlimit-burst", [](const Match& m) { m.hash->burst = number_in(m.value).value_or(0); }},
        {"--hashlimit-mode", [](const Match& m) { m.hash->mode = m.value; }},
        {"--hashlimit-srcmask",
         [](const Match& m) { m.hash->source_length = number_in(m.value).value_or(128); }},
        {"--hashlimit-name", [](const Match&) {}},
        {"--hashlimit-htable-expire", [](const Match&) {}},
        {"--hashlimit-htable-size", [](const Match&) {}},
        {"--hashlimit-htable-max", [](const Match&) {}},
        {"--hashlimit-htable-gcinterval", [](const Match&) {}},
        {"--rt-type",
         [](const Match& m) {
             if (m.value == "0" && !m.negated)
                 never(m.rule, ImportRemark::Kind::built_in,
                       "built in: routing headers of type 0 are dropped");
             else
                 unclear(m.rule, "routing headers");
         }},
    };
    return kAll;
}

std::uint64_t limit_burst(const Options& options) {
    const auto found = std::ranges::find(options.words, "--limit-burst");
    if (found == options.words.end() || found + 1 == options.words.end()) return 5;
    return number_in(found[1]).value_or(0);
}

// What belongs to an option that no line above knows is passed over.
void skip_values(Options* options) {
    while (!options->done() && !options->words[options->at].starts_with("-") &&
           options->words[options->at] != "!")
        options->next();
}

// ---- targets

void read_target(const std::string& target, Options* options, ForeignRule* rule) {
    static const std::array kNoVerdict{"MARK",     "CONNMARK", "TCPMSS", "CLASSIFY", "DSCP",    "TOS",
                                       "HL",       "SET",      "CT",     "NOTRACK",  "SECMARK", "CONNSECMARK",
                                       "CHECKSUM", "NFLOG",    "TRACE",  "AUDIT"};
    if (target == "ACCEPT") {
        rule->action = Action::accept;
    } else if (target == "DROP") {
        rule->action = Action::drop;
    } else if (target == "REJECT") {
        rule->action = Action::reject;
    } else if (target == "LOG") {
        rule->action = Action::log;
    } else if (target == "RETURN") {
        rule->action = Action::leave;
    } else if (std::ranges::find(kNoVerdict, target) != kNoVerdict.end()) {
        rule->action = Action::nothing;
        rule->why = target + " filters nothing; dishwall only filters";
    } else {
        rule->action = Action::jump;
        rule->target = target;
        return;
    }
    if (rule->action != Action::jump) options->at = options->words.size();  // --reject-with, --log-prefix ...
}

// ---- lines

class Reader {
public:
    Result<ForeignRuleset> run(std::string_view text) {
        unsigned number = 0;
        while (!text.empty()) {
            ++number;
            std::string_view line = text.substr(0, text.find('\n'));
            text.remove_prefix(std::min(line.size() + 1, text.size()));
            while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
            if (auto done = read_line(line, number); !done)
                return fail("line {} is not of ip6tables-save: {}", number, done.error().message);
        }
        if (!any_table_) return fail("there is no table in it: `ip6tables-save > FILE` writes one");
        settle_targets();
        return std::move(rules_);
    }

private:
    Result<void> read_line(std::string_view line, unsigned number) {
        if (line.empty() || line[0] == '#' || line == "COMMIT") return {};
        if (line[0] == '*') {
            table_ = line.substr(1);
            any_table_ = true;
            return {};
        }
        if (table_.empty()) return fail("a table (`*filter`) comes first");
        if (line[0] == ':') return read_chain(words_of(line.substr(1)), number);
        Options options{words_of(line)};
        if (line[0] == '[') options.next();  // counters
        if (options.next() != "-A") return fail("expected `-A CHAIN ...`, `:CHAIN POLICY` or `COMMIT`");
        read_rule(std::move(options), line, number);
        return {};
    }

    [[nodiscard]] std::string key(const std::string& chain) const { return table_ + " " + chain; }

    Result<void> read_chain(const std::vector<std::string>& words, unsigned number) {
        if (words.size() < 2) return fail("expected `:CHAIN POLICY`");
        ForeignChain& chain = rules_.chains[key(words[0])];
        chain.name = fmt::format("chain {} of table {}", words[0], table_);
        chain.line = number;
        chain.accepts = words[1] != "DROP";
        static const std::array<std::pair<const char*, Hook>, 5> kHooks{{{"PREROUTING", Hook::prerouting},
                                                                         {"INPUT", Hook::input},
                                                                         {"FORWARD", Hook::forward},
                                                                         {"OUTPUT", Hook::output},
                                                                         {"POSTROUTING", Hook::postrouting}}};
        const int priority = table_ == "raw" ? -300 : table_ == "mangle" ? -150 : table_ == "filter" ? 0 : 50;
        for (const auto& [name, hook] : kHooks)
            if (words[0] == name && table_ != "nat") rules_.bases.push_back({hook, priority, key(words[0])});
        return {};
    }

    void read_rule(Options options, std::string_view line, unsigned number) {
        const std::string chain = options.next();
        ForeignRule rule;
        rule.line = number;
        rule.text = line;
        HashLimit hash;
        while (!options.done()) read_option(&options, &rule, &hash);
        finish_hash_limit(hash, &rule);
        if (table_ == "nat") {
            note_masquerading(rule);
            return rules_.remarks.push_back(
                {ImportRemark::Kind::left_out, number, rule.text, kNoTranslation});
        }
        if (rule.action == Action::nothing && rule.why.empty()) rule.why = "it only counts";
        rules_.chains[key(chain)].rules.push_back(std::move(rule));
    }

    void read_option(Options* options, ForeignRule* rule, HashLimit* hash) {
        std::string option = options->next();
        const bool negated = option == "!";
        if (negated) option = options->next();
        if (option == "-m") return read_module(options->next(), rule, hash);
        if (option == "-j") return read_target(options->next(), options, rule);
        if (option == "-g") {
            rule->action = Action::go_to;
            rule->target = options->next();
            return;
        }
        if (option == "--limit") return by_limit({rule, options->next(), negated}, limit_burst(*options));
        if (option == "--tcp-flags") {
            const std::string mask = options->next();
            return by_flags({rule, "", negated}, mask, options->next());
        }
        if (option == "--syn") return by_flags({rule, "", negated}, "FIN,SYN,RST,ACK", "SYN");
        if (option == "--invert" && rpfilter_) return by_reverse_path(rule);
        const auto known = std::ranges::find(options_with_a_value(), option, &Option::name);
        if (known == options_with_a_value().end()) {
            if (rule->condition.exact()) unclear(rule, fmt::format("dishwall has no word for '{}'", option));
            return skip_values(options);
        }
        known->read({rule, options->next(), negated, hash});
    }

    // Some say something without an option, so what is not known here is unclear by its name.
    void read_module(const std::string& module, ForeignRule* rule, HashLimit* hash) {
        static const std::array kKnown{"tcp",   "udp",   "sctp",      "icmp6",   "multiport", "iprange",
                                       "state", "limit", "conntrack", "comment", "hashlimit", "addrtype"};
        hash->present = hash->present || module == "hashlimit";
        rpfilter_ = module == "rpfilter";
        if (std::ranges::find(kKnown, module) == kKnown.end())
            unclear(rule,
                    module == "mac"
                        ? "a MAC address: write `host NAME = NETWORK mac ADDRESS` and the rule for that host"
                        : fmt::format("dishwall has no word for '-m {}'", module));
    }

    static void by_reverse_path(ForeignRule* rule) {
        never(rule, ImportRemark::Kind::built_in,
              "built in: sources that cannot be on their side are dropped");
    }

    void note_masquerading(const ForeignRule& rule) {
        if (rule.target != "MASQUERADE" && rule.target != "SNAT") return;
        for (const InterfaceMatch& match : rule.interfaces)
            if (!match.incoming && !match.negated)
                rules_.likely_uplinks.insert(rules_.likely_uplinks.end(), match.names.begin(),
                                             match.names.end());
    }

    // Names of chains become keys; a target that is no chain is an extension.
    void settle_targets() {
        for (auto& [name, chain] : rules_.chains)
            for (ForeignRule& rule : chain.rules) {
                if (rule.target.empty()) continue;
                const std::string in_table = name.substr(0, name.find(' ') + 1) + rule.target;
                if (rules_.chains.contains(in_table)) {
                    rule.target = in_table;
                    continue;
                }
                rule.action = Action::unknown;
                rule.why = "what the target " + rule.target + " does with a packet is not known";
                rule.target.clear();
            }
    }

    ForeignRuleset rules_;
    std::string table_;
    bool any_table_ = false;
    bool rpfilter_ = false;  // the module that was named last
};

}  // namespace

Result<ForeignRuleset> read_ip6tables_save(std::string_view text) { return Reader().run(text); }

}  // namespace dishwall::import
