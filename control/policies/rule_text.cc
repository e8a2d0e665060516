// SPDX-License-Identifier: BSD-3-Clause
#include "control/policies/rule_text.h"

#include <fmt/format.h>

#include "control/counter_registry.h"

namespace dishwall {
namespace {

template <typename List, typename Text>
std::string joined(const List& list, const Text& text) {
    std::string all;
    for (const auto& one : list) all += (all.empty() ? "" : ", ") + text(one);
    return list.size() == 1 ? all : "{ " + all + " }";
}

std::string port_text(const PortRange& range) {
    return range.first == range.last ? std::to_string(range.first)
                                     : fmt::format("{}-{}", range.first, range.last);
}

std::string protocol_text(const ProtocolMatch& match) {
    std::string text = match.proto ? fmt::format("proto {}", *match.proto) : "any";
    if (match.proto == IPPROTO_TCP) text = "tcp";
    if (match.proto == IPPROTO_UDP) text = "udp";
    if (match.proto == IPPROTO_SCTP) text = "sctp";
    if (match.proto == IPPROTO_ICMPV6) text = "icmpv6";
    if (!match.ports.empty()) text += " " + joined(match.ports, port_text);
    if (!match.icmp_types.empty())
        text += " " + joined(match.icmp_types, [](std::uint8_t type) { return std::to_string(type); });
    return text;
}

std::string behind_text(const Policy& policy, const Behind& behind) {
    std::string text = policy.uplink.name + "." + policy.uplink.sources[behind.source].name;
    if (behind.subnet) text += fmt::format(" subnet {:#x}", *behind.subnet);
    if (behind.interface_id) text += " " + to_string(Ipv6Address{0, *behind.interface_id});
    return text;
}

std::string learnt_text(const Policy& policy, const Learnt& learnt) {
    for (const LearntHost& host : policy.learnt)
        if (host.id == learnt.host) return fmt::format("{} ({:08x})", host.name, host.id);
    return fmt::format("{:08x}", learnt.host);
}

std::string element_text(const Policy& policy, const AddressElement& element) {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) return to_string(*prefix);
    if (const auto* behind = std::get_if<Behind>(&element)) return behind_text(policy, *behind);
    if (const auto* learnt = std::get_if<Learnt>(&element)) return learnt_text(policy, *learnt);
    if (const auto* feed = std::get_if<InFeed>(&element)) return "feed " + policy.feeds[feed->feed].name;
    return "self";
}

std::string set_text(const Policy& policy, const AddressSet& set) {
    std::vector<std::string> parts;
    if (set.any && set.exclude.empty()) return "any";
    if (!set.any)
        for (const AddressElement& element : set.include) parts.push_back(element_text(policy, element));
    for (const AddressElement& element : set.exclude) parts.push_back("not " + element_text(policy, element));
    return joined(parts, [](const std::string& part) { return part; });
}

std::string rate_text(const Rate& rate) {
    std::string text = fmt::format(" rate {}/{} s burst {}", rate.packets, rate.unit_s, rate.burst);
    if (rate.per_source) text += fmt::format(" per source/{}", *rate.per_source);
    return text;
}

// Reads one statement: what stands on its line, or on more of them inside braces and behind a backslash.
class Statement {
public:
    explicit Statement(std::string_view text) : text_(text) {}

    std::string read() {
        while (at_ < text_.size() && out_.size() < kLongest && take()) {
        }
        while (!out_.empty() && out_.back() == ' ') out_.pop_back();
        return out_;
    }

private:
    static constexpr std::size_t kLongest = 4000;  // of what is shown

    // False: that was the end.
    bool take() {
        const char c = text_[at_++];
        if (in_string_) {
            in_string_ = c != '"';
            out_ += c;
            return true;
        }
        if (c == '#') {
            while (at_ < text_.size() && text_[at_] != '\n') ++at_;
            return true;
        }
        const bool continued = c == '\\' &&
                               text_.substr(at_).find_first_not_of(" \t\r") != std::string_view::npos &&
                               text_[at_ + text_.substr(at_).find_first_not_of(" \t\r")] == '\n';
        if (continued) at_ += text_.substr(at_).find('\n') + 1;
        if (continued || c == ' ' || c == '\t' || c == '\r' || (c == '\n' && depth_ > 0)) {
            if (!out_.empty() && out_.back() != ' ') out_ += ' ';
            return true;
        }
        if (c == '\n' || (depth_ == 0 && (c == ';' || c == '}'))) return false;
        depth_ += c == '{' ? 1 : c == '}' ? -1 : 0;
        in_string_ = c == '"';
        out_ += c;
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
    bool in_string_ = false;
    std::string out_;
};

bool begins_a_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

}  // namespace

std::string meaning_of(const Policy& policy, const Rule& rule) {
    std::string text = to_string(rule.verdict) + " " + joined(rule.match, protocol_text) + " from " +
                       set_text(policy, rule.from);
    if (!rule.from_ports.empty()) text += " port " + joined(rule.from_ports, port_text);
    text += " to " + set_text(policy, rule.to);
    if (rule.rate) text += rate_text(*rule.rate);
    if (rule.inspect)
        text += fmt::format(" inspect {} on-failure {}", policy.signatures[rule.inspect->signatures].name,
                            rule.inspect->accept_on_failure ? "accept" : "drop");
    if (rule.endpoint_independent) text += " endpoint-independent";
    if (rule.log) text += " log";
    return text;
}

RuleTexts::RuleTexts(const std::vector<RuleText>& texts) {
    for (const RuleText& one : texts) {
        File file{one.text, {0}};
        for (std::size_t at = 0; (at = one.text.find('\n', at)) != std::string::npos;)
            file.lines.push_back(++at);
        files_.insert_or_assign(one.name, std::move(file));
    }
}

std::string RuleTexts::statement_at(const Place& place) const {
    const auto found = files_.find(place.file.text());
    if (found == files_.end() || place.line == 0 || place.line > found->second.lines.size()) return {};
    const File& file = found->second;
    std::size_t at = file.lines[place.line - 1];
    for (unsigned column = 1; column < place.column && at < file.text.size(); ++column) do
            ++at;
        while (at < file.text.size() && !begins_a_character(file.text[at]));
    return Statement(file.text.substr(std::min(at, file.text.size()))).read();
}

}  // namespace dishwall
