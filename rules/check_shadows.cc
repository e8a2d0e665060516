// SPDX-License-Identifier: BSD-3-Clause
#include "rules/check_shadows.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rules/rules_above.h"
#include "rules/shadow.h"

namespace dishwall {
namespace {

// What an element of a list of addresses means, as it is written. Empty: it has exclusions of its own.
class WrittenAddresses {
public:
    using Elements = AddressElements;

    WrittenAddresses(const Policy& policy, const ast::File& tree) : policy_(policy) {
        for (const Network& network : policy.networks)
            elements_.emplace(network.name, Elements{Behind{network.source, network.subnet, {}}});
        for (const NamedAddress& host : policy.hosts) elements_.emplace(host.name, host.elements);
        for (const LearntHost& host : policy.learnt) elements_.emplace(host.name, Elements{Learnt{host.id}});
        for (const ast::Set& set : tree.sets) sets_.emplace(set.name.text, &set);
    }

    std::optional<Elements> operator()(const ast::Address& address) {
        using Kind = ast::Address::Kind;
        if (address.negated) return std::nullopt;
        if (address.kind == Kind::self) return Elements{Self{}};
        if (address.kind == Kind::name) return by_name(address.word.text);
        if (address.kind == Kind::source) return by_source(address.word.text);
        if (address.kind == Kind::feed) return by_feed(address.word.text);
        if (address.kind == Kind::list) return all_of(address.elements);
        if (address.kind != Kind::literal) return std::nullopt;
        if (const auto prefix = parse_prefix(address.word.text)) return Elements{*prefix};
        const auto literal = parse_ipv6(address.word.text);
        return literal ? std::optional(Elements{*Ipv6Prefix::make(*literal, 128)}) : std::nullopt;
    }

private:
    std::optional<Elements> by_name(std::string_view name) {
        const auto found = elements_.find(name);
        if (found != elements_.end()) return found->second;
        const auto set = sets_.find(name);
        if (set == sets_.end()) return std::nullopt;
        const auto made = all_of(set->second->members.elements);
        if (made) elements_.emplace(name, *made);
        return made;
    }

    std::optional<Elements> by_source(std::string_view name) const {
        for (unsigned i = 0; i < policy_.uplink.sources.size(); ++i)
            if (fmt::format("{}.{}", policy_.uplink.name, policy_.uplink.sources[i].name) == name)
                return Elements{Behind{i, {}, {}}};
        return std::nullopt;
    }

    std::optional<Elements> by_feed(std::string_view name) const {
        for (unsigned i = 0; i < policy_.feeds.size(); ++i)
            if (policy_.feeds[i].name == name) return Elements{InFeed{i, policy_.feeds[i].entries}};
        return std::nullopt;
    }

    std::optional<Elements> all_of(const std::vector<ast::Address>& addresses) {
        Elements all;
        for (const ast::Address& address : addresses) {
            const auto part = (*this)(address);
            if (!part) return std::nullopt;
            all.append(part->begin(), part->end());
        }
        return all;
    }

    const Policy& policy_;
    std::unordered_map<std::string_view, Elements> elements_;
    std::unordered_map<std::string_view, const ast::Set*> sets_;
};

// "line 12", for somebody who reads another rule's line; "other.conf:12" when that is in another file.
std::string line_of(const Rule& rule, const Rule& reader) {
    const std::string& file = rule.place.file;
    if (file == reader.place.file) return fmt::format("line {}", rule.place.line);
    return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), rule.place.line);
}

// What takes them, beginning with the rule that the text is written at: "takes every packet first, with line
// 12".
std::string takers(std::string_view what, const std::vector<Rule>& rules,
                   const std::vector<std::size_t>& by) {
    constexpr std::size_t kMostNamed = 4;
    std::string text(what);
    for (std::size_t i = 1; i < by.size(); ++i) {
        if (i > kMostNamed) return fmt::format("{} and {} more", text, by.size() - i);
        text += i == 1 ? ", with " : i + 1 == by.size() ? " and " : ", ";
        text += line_of(rules[by[i]], rules[by.front()]);
    }
    return text;
}

class ShadowCheck {
public:
    ShadowCheck(const Policy& policy, Direction direction, const std::vector<RuleOrigin>& origins,
                const ast::File& tree, Diagnostics* diagnostics)
        : rules_(direction == Direction::inbound ? policy.inbound.rules : policy.outbound.rules),
          origins_(origins),
          diagnostics_(*diagnostics),
          policy_(policy),
          direction_(direction),
          tree_(tree),
          above_(policy, direction) {}

    void run() {
        for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
            candidates_.reset();
            const std::vector<std::size_t> by = covering(rules_[rule], rule);
            if (by.empty())
                parts(rule);
            else
                report_shadowed(rule, by);
            above_.add(rule);
        }
    }

private:
    // What the rules above `rule` take all of, is taken by these; empty: some of it is left.
    std::vector<std::size_t> covering(const Traffic& traffic, std::size_t rule) {
        if (above_.leave_some_of(traffic)) return {};
        if (!shadows_) shadows_.emplace(policy_, direction_);
        if (!candidates_) candidates_ = shadows_->above(rules_[rule], rule);
        return shadows_->covering(traffic, *candidates_);
    }

    void report_shadowed(std::size_t rule, const std::vector<std::size_t>& by) {
        Diagnostic& report =
            diagnostics_.report(Code::never_matches, origins_[rule].written->span, "never reached");
        report.and_at(origins_[by.front()].written->span, takers("takes every packet first", rules_, by));
        const auto same = [&](std::size_t other) {
            return rules_[rule].verdict == rules_[other].verdict &&
                   rules_[rule].endpoint_independent == rules_[other].endpoint_independent;
        };
        const Place &here = rules_[rule].place, &there = rules_[by.front()].place;
        if (std::all_of(by.begin(), by.end(), same))
            report.with_help(by.size() == 1 ? "its verdict is the same: leave it out"
                                            : "their verdict is the same: leave it out");
        else if (here.file != there.file)
            report.with_help(fmt::format("move it above {}:{}", there.file.text(), there.line));
        else if (here.line == there.line && by.size() == 1)
            report.with_help("swap the two rules");
        else
            report.with_help(fmt::format("move line {} above line {}", here.line, there.line));
    }

    // ---- parts of a rule

    void parts(std::size_t rule) {
        ports(rule);
        sender_ports(rule);
        addresses(rule, &ast::Rule::from, &Traffic::from);
        addresses(rule, &ast::Rule::to, &Traffic::to);
    }

    // `member`: of a service, whose name stands at the span.
    void check(std::size_t rule, const Traffic& part, const Span& span, const std::string& member = {}) {
        const std::vector<std::size_t> by = covering(part, rule);
        if (by.empty()) return;
        Diagnostic& report = diagnostics_.report(
            Code::partly_shadowed, span,
            member.empty() ? "never reached" : fmt::format("its {} is never reached", member));
        report.and_at(origins_[by.front()].written->span, takers("takes these packets first", rules_, by));
        const auto same = [&](std::size_t other) { return rules_[rule].verdict == rules_[other].verdict; };
        if (member.empty() && std::all_of(by.begin(), by.end(), same)) report.with_help("leave it out here");
    }

    void ports(std::size_t rule) {
        const auto& match = rules_[rule].match;
        std::size_t elements = 0;
        for (const ProtocolMatch& each : match) elements += each.ports.size() + each.icmp_types.size();
        if (elements < 2) return;
        const ast::Match& written = origins_[rule].written->match;
        Traffic part = rules_[rule];
        for (std::size_t i = 0; i < match.size(); ++i) {
            for (std::size_t j = 0; j < match[i].ports.size(); ++j) {
                part.match = {{match[i].proto, {match[i].ports[j]}, {}}};
                if (written.kind == ast::Match::Kind::service)
                    check(rule, part, written.span, member_of(part.match[0]));
                else
                    check(rule, part, port_span(written, j));
            }
            if (written.kind != ast::Match::Kind::icmpv6) continue;
            for (std::size_t j = 0; j < match[i].icmp_types.size(); ++j) {
                part.match = {{match[i].proto, {}, {match[i].icmp_types[j]}}};
                check(rule, part, written.values[j].span);
            }
        }
    }

    // "tcp 443", "udp 100-200"
    static std::string member_of(const ProtocolMatch& match) {
        const PortRange& ports = match.ports[0];
        const char* proto = *match.proto == IPPROTO_TCP   ? "tcp"
                            : *match.proto == IPPROTO_UDP ? "udp"
                                                          : "sctp";
        if (ports.first == ports.last) return fmt::format("{} {}", proto, ports.first);
        return fmt::format("{} {}-{}", proto, ports.first, ports.last);
    }

    void sender_ports(std::size_t rule) {
        const auto& all = rules_[rule].from_ports;
        if (all.size() < 2) return;
        Traffic part = rules_[rule];
        for (std::size_t i = 0; i < all.size(); ++i) {
            part.from_ports = {all[i]};
            check(rule, part, origins_[rule].written->from_ports->begin()[i].span);
        }
    }

    // What is one element is no part of anything, however it is written.
    template <typename Optional>
    void addresses(std::size_t rule, Optional ast::Rule::*as_written, AddressSet Traffic::*end) {
        if ((rules_[rule].*end).any || (rules_[rule].*end).include.size() < 2) return;
        const Optional& address = origins_[rule].written->*as_written;
        if (!address) return;
        const ast::Address& written = *address;
        if (written.kind != ast::Address::Kind::list || written.negated || written.elements.size() < 2)
            return;
        if (!written_) written_.emplace(policy_, tree_);
        Traffic part = rules_[rule];
        for (const ast::Address& element : written.elements) {
            auto meant = (*written_)(element);
            if (!meant) continue;
            (part.*end).include = std::move(*meant);
            check(rule, part, element.span);
        }
    }

    const std::vector<Rule>& rules_;
    const std::vector<RuleOrigin>& origins_;
    Diagnostics& diagnostics_;
    const Policy& policy_;
    const Direction direction_;
    const ast::File& tree_;
    RulesAbove above_;
    // Made when they are needed: in most files no rule is in doubt.
    std::optional<Shadows> shadows_;
    std::optional<std::vector<std::size_t>> candidates_;  // of the rule in work
    std::optional<WrittenAddresses> written_;
};

}  // namespace

void check_shadows(const Resolved& resolved, const ast::File& tree, Diagnostics* diagnostics) {
    ShadowCheck(resolved.policy, Direction::inbound, resolved.inbound, tree, diagnostics).run();
    ShadowCheck(resolved.policy, Direction::outbound, resolved.outbound, tree, diagnostics).run();
}

}  // namespace dishwall
