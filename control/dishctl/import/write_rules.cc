// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/write_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/dishctl/import/words.h"

namespace dishwall::import {
namespace {

const char* word_of(dw_verdict verdict) {
    switch (verdict) {
        case DW_ACCEPT:
            return "accept";
        case DW_REJECT:
            return "reject";
        case DW_AUDIT:
            return "audit";
        default:
            return "drop";
    }
}

const End& our_end(Path path, const Condition& condition) {
    return is_inbound(path) ? condition.to : condition.from;
}

class Writer {
public:
    Writer(const FlatRuleset& rules, bool by_zone, const ImportOptions& options)
        : rules_(rules), options_(options), words_(rules.inside, by_zone, options), by_zone_(by_zone) {}

    RuleFile run() {
        RuleFile file;
        file.inbound = chain(rules_.in_self, rules_.in_behind, true, &file.inbound_default);
        file.outbound = chain(rules_.out_self, rules_.out_behind, false, &file.outbound_default);
        file.head = head();
        file.remarks = std::move(checks_);
        return file;
    }

private:
    std::vector<RuleLine> chain(const Section& self, const Section& behind, bool inbound,
                                std::string* default_verdict);
    void add_section(const Section& section, Path path, bool pin_self, std::vector<RuleLine>* lines);
    [[nodiscard]] std::string text(const FlatRule& rule, Path path, bool pin_self);
    [[nodiscard]] static std::string ending(const Section& section, Path path);
    [[nodiscard]] std::string name_of(const FlatRule& rule);
    [[nodiscard]] std::string head();
    [[nodiscard]] std::string uplink_line();
    [[nodiscard]] std::string network_lines();
    void check(std::string what, std::string why) {
        checks_.push_back({ImportRemark::Kind::check, 0, std::move(what), std::move(why)});
    }

    const FlatRuleset& rules_;
    const ImportOptions& options_;
    Words words_;
    const bool by_zone_;
    MadeNames rule_names_;
    std::vector<ImportRemark> checks_;
};

// ---- rules

std::string Writer::name_of(const FlatRule& rule) {
    if (rule.rule == nullptr || rule.rule->name.empty()) return "";
    return " name " + rule_names_.make(rule.rule->name, "rule");
}

std::string Writer::text(const FlatRule& rule, Path path, bool pin_self) {
    // What leaves is not answered by this machine.
    const bool quiet = rule.verdict == DW_REJECT && !is_inbound(path);
    std::string words = quiet ? "drop" : word_of(rule.verdict);
    const std::string match = words_.match(rule.condition);
    if (!match.empty()) words += " " + match;
    return words + words_.rest(path, rule.condition, pin_self);
}

void Writer::add_section(const Section& section, Path path, bool pin_self, std::vector<RuleLine>* lines) {
    std::string logged;  // what the line before reports, without its verdict
    for (const FlatRule& rule : section.rules) {
        RuleLine line{rule.rule, text(rule, path, pin_self), rule.left_out, ""};
        if (!rule.why.empty()) {
            line.why = fmt::format(
                "{} could not be carried over and may refuse some of these, so all are refused", rule.why);
            check(line.text, line.why);
        }
        const std::string what = line.text.substr(
            line.text.find(' ') == std::string::npos ? line.text.size() : line.text.find(' '));
        const bool merged = line.left_out.empty() && rule.verdict != DW_AUDIT && logged == "=" + what;
        if (merged) {
            lines->pop_back();
            line.text += " log";
        }
        logged = rule.verdict == DW_AUDIT && line.left_out.empty() ? "=" + what : "";
        if (rule.verdict != DW_AUDIT) line.text += name_of(rule);
        lines->push_back(std::move(line));
    }
}

std::string Writer::ending(const Section& section, Path path) {
    return fmt::format("{} {} {}", section.accepts ? "accept" : "drop", is_inbound(path) ? "to" : "from",
                       is_self(path) ? "self" : "not self");
}

std::vector<RuleLine> Writer::chain(const Section& self, const Section& behind, bool inbound,
                                    std::string* default_verdict) {
    const Path self_path = inbound ? Path::in_self : Path::out_self;
    const Path behind_path = inbound ? Path::in_behind : Path::out_behind;
    const bool by_address = std::ranges::any_of(self.rules, [&](const FlatRule& rule) {
        const End& end = our_end(self_path, rule.condition);
        return end.in && !end.is_link_local();
    });
    std::vector<RuleLine> lines;
    const auto end_with = [&](const Section& section, Path path, const Section& next) {
        if (!next.rules.empty() || section.accepts != next.accepts)
            lines.push_back({nullptr, ending(section, path), "", "the policy for the rest of these packets"});
    };
    if (by_address) {
        add_section(behind, behind_path, true, &lines);
        lines.push_back(
            {nullptr, ending(behind, behind_path), "", "the policy for the rest of these packets"});
        add_section(self, self_path, false, &lines);
    } else {
        add_section(self, self_path, false, &lines);
        end_with(self, self_path, behind);
        add_section(behind, behind_path, false, &lines);
    }
    *default_verdict = (by_address ? self : behind).accepts ? "accept" : "drop";
    for (const Section* section : {&self, &behind})
        if (!section->closed_by.empty())
            check(
                fmt::format("the end of {}", inbound ? "inbound" : "outbound"),
                fmt::format(
                    "the original accepts what is left, but {} could not be carried over and may refuse any "
                    "of it, so all of it is refused",
                    section->closed_by));
    const char* who = inbound ? "what comes in" : "what goes out";
    if (inbound && (self.accepts || behind.accepts))
        check("policy accept", "the original lets in what no rule of it refuses, and so does this file");
    if (inbound && (!self.filtered || !behind.filtered))
        check("no rules for " + std::string(!self.filtered && !behind.filtered ? who
                                            : !self.filtered                   ? "this machine"
                                                             : "what is behind this machine"),
              "the original lets everything in there; this file nothing, until you write a rule");
    return lines;
}

// ---- the head

std::string Writer::uplink_line() {
    if (!options_.uplink.empty()) return "    interface " + interface_word(options_.uplink) + "\n";
    const std::string own = interface_word(rules_.uplink);
    const std::string name = own.empty() ? "eth0" : own;
    if (own.empty() || by_zone_) {
        check("interface " + name,
              "the original does not say which interface faces the dish: write its name");
        return fmt::format("    interface {:<26}# CHECK: the interface that faces the dish\n", name);
    }
    check("interface " + name, "taken for the uplink because of its name and its rules");
    return fmt::format("    interface {:<26}# CHECK: it was taken for the uplink\n", name);
}

std::string Writer::network_lines() {
    std::string text;
    for (InsideNetwork& network : words_.networks()) {
        if (words_.needs_a_network()) network.used = true;
        if (!network.used) continue;
        const std::string on = network.interface.empty() ? "" : " on " + network.interface;
        text += fmt::format("network {} = dish.pd subnet {:#x}{}{}\n", network.name, network.subnet, on,
                            network.guessed ? "   # CHECK: the number of its /64 in the delegation" : "");
        if (network.guessed)
            check(
                "network " + network.name,
                fmt::format(
                    "that it is number {:#x} of the delegation is a guess; `ip -6 address` shows the /64 of "
                    "its interface. Rules for it are for another network until it is right",
                    network.subnet));
    }
    if (!text.empty() || (!words_.needs_a_network() && rules_.in_behind.rules.empty())) return text;
    check("network lan", "only networks of the file can be reached, and the original names none: write them");
    return "network lan = dish.pd subnet 0x0   # CHECK: what is behind this machine\n";
}

std::string Writer::head() {
    std::string text = fmt::format(
        "# Imported by `dishctl import`{}.\n"
        "# Read it before you load it: what begins with CHECK, and the list at the end of what is not in "
        "it.\n"
        "# `dishctl shadow` shows what it would do to live traffic.\n"
        "version 1\n\n"
        "uplink dish {{\n{}"
        "    prefix pd     from dhcpv6-pd        # the delegation, used as dish.pd\n"
        "    prefix onlink from ra               # the /64 between dish and gateway\n"
        "}}\n\n",
        options_.source.empty() ? "" : " from " + as_comment(options_.source), uplink_line());
    const std::string networks = network_lines(), definitions = words_.definitions();
    return text + networks + (networks.empty() ? "" : "\n") + definitions + (definitions.empty() ? "" : "\n");
}

// ---- text

struct Text {
    std::string all;
    std::vector<const RuleLine*>* places;

    void add(const std::string& line, const RuleLine* of = nullptr) {
        all += line + "\n";
        places->push_back(of);
    }
};

std::string said_by(const ForeignRule& rule) {
    return rule.line != 0 ? fmt::format("line {}: {}", rule.line, as_comment(rule.text))
                          : as_comment(rule.text);
}

void add_chain(const char* direction, const std::string& default_verdict, const std::vector<RuleLine>& lines,
               Text* text) {
    text->add(fmt::format("policy {} on dish {{", direction));
    text->add("    default " + default_verdict);
    const ForeignRule* before = nullptr;
    for (const RuleLine& line : lines) {
        if (line.rule != nullptr && line.rule != before) text->add("    # " + said_by(*line.rule));
        if (!line.why.empty()) text->add("    # " + as_comment(line.why, 1000));
        before = line.rule;
        if (line.left_out.empty()) {
            text->add("    " + line.text, &line);
        } else {
            text->add("    #   LEFT OUT: " + as_comment(line.left_out));
            text->add("    #   " + line.text);
        }
    }
    text->add("}");
}

void add_remarks(const std::vector<ImportRemark>& remarks, ImportRemark::Kind kind, const char* title,
                 Text* text) {
    bool first = true;
    for (const ImportRemark& one : remarks) {
        if (one.kind != kind) continue;
        if (first) {
            text->add("");
            text->add(std::string("# ") + title);
        }
        first = false;
        text->add("#   " + as_comment(remark_text(one), 1000));
    }
}

}  // namespace

std::string as_comment(std::string_view text, std::size_t longest) {
    std::string comment;
    for (const char c : text.substr(0, longest))
        comment += c < ' ' || c > '~' || c == '\\' ? (c == '\t' ? ' ' : '?') : c;
    return text.size() > longest ? comment + " ..." : comment;
}

RuleFile write_rules(const FlatRuleset& rules, bool by_zone, const ImportOptions& options) {
    return Writer(rules, by_zone, options).run();
}

std::string text_of(const RuleFile& file, const std::vector<ImportRemark>& remarks,
                    std::vector<const RuleLine*>* places) {
    places->assign(1 + static_cast<std::size_t>(std::ranges::count(file.head, '\n')), nullptr);
    Text text{file.head, places};
    add_chain("inbound", file.inbound_default, file.inbound, &text);
    text.add("");
    add_chain("outbound", file.outbound_default, file.outbound, &text);
    add_remarks(remarks, ImportRemark::Kind::check, "To be checked:", &text);
    add_remarks(remarks, ImportRemark::Kind::left_out, "Could not be carried over:", &text);
    add_remarks(remarks, ImportRemark::Kind::built_in, "Holds without a rule:", &text);
    return std::move(text.all);
}

}  // namespace dishwall::import
