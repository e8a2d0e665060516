// SPDX-License-Identifier: BSD-3-Clause
#include "rules/evaluate.h"

#include <netinet/in.h>

#include <algorithm>

namespace dishwall {
namespace {

bool in_any(const PortRanges& ranges, std::uint16_t port) {
    if (ranges.empty()) return true;
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const PortRange& range) { return range.first <= port && port <= range.last; });
}

bool is_in(const AddressElement& element, const Own& own, const Ipv6Address& address) {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) return prefix->contains(address);
    if (std::holds_alternative<Self>(element)) return is_self(own, address);
    if (const auto* learnt = std::get_if<Learnt>(&element)) return is_learnt(own, address, learnt->host);
    if (const auto* feed = std::get_if<InFeed>(&element)) return feed->entries->contains(address);
    const Behind& behind = std::get<Behind>(element);
    const std::optional<Located> located = locate(own, address);
    if (!located || own.prefixes[located->slot].source != behind.source) return false;
    if (behind.subnet && *behind.subnet != located->subnet) return false;
    return !behind.interface_id || *behind.interface_id == address.lo;
}

bool is_in_one_of(const AddressElements& elements, const Own& own, const Ipv6Address& address) {
    return std::any_of(elements.begin(), elements.end(),
                       [&](const AddressElement& element) { return is_in(element, own, address); });
}

bool protocol_matches(const ProtocolMatch& match, const Query& query) {
    if (match.proto && *match.proto != query.proto) return false;
    if (!match.ports.empty() && !has_ports(query.proto)) return false;
    if (!in_any(match.ports, query.destination_port)) return false;
    if (match.icmp_types.empty()) return true;
    return std::find(match.icmp_types.begin(), match.icmp_types.end(), query.icmp_type) !=
           match.icmp_types.end();
}

}  // namespace

bool contains(const AddressSet& set, const Own& own, const Ipv6Address& address) {
    if (!set.any && !is_in_one_of(set.include, own, address)) return false;
    return !is_in_one_of(set.exclude, own, address);
}

std::string_view mismatch(const Traffic& traffic, const Own& own, const Query& query) {
    const bool inbound = query.direction == Direction::inbound;
    const auto speaks_it = [&](const ProtocolMatch& match) {
        return !match.proto || *match.proto == query.proto;
    };
    if (std::none_of(traffic.match.begin(), traffic.match.end(), speaks_it)) return "protocol";
    if (std::none_of(traffic.match.begin(), traffic.match.end(),
                     [&](const ProtocolMatch& match) { return protocol_matches(match, query); }))
        return query.proto == IPPROTO_ICMPV6 ? "type" : "port";
    if (!traffic.from_ports.empty() && !has_ports(query.proto)) return "protocol";
    if (!in_any(traffic.from_ports, query.source_port)) return "sender's port";
    if (!contains(traffic.from, own, inbound ? query.peer : query.ours)) return "from";
    return contains(traffic.to, own, inbound ? query.ours : query.peer) ? "" : "to";
}

bool matches(const Traffic& traffic, const Own& own, const Query& query) {
    return mismatch(traffic, own, query).empty();
}

bool comes_to(dw_verdict judged, dw_verdict outcome) {
    if (judged == DW_REJECT_LATE) return outcome == DW_DROP || outcome == DW_REJECT;
    return judged == outcome;
}

Judgement evaluate(const Policy& policy, const Own& own, const Query& query, const OverRate& over_rate) {
    const Chain& chain = query.direction == Direction::inbound ? policy.inbound : policy.outbound;
    const Ipv6Address& sender = query.direction == Direction::inbound ? query.peer : query.ours;
    Judgement judgement{chain.default_verdict, nullptr, {}, {}};
    for (const Rule& rule : chain.rules) {
        if (!matches(rule, own, query)) continue;
        if (rule.rate && over_rate && over_rate(rule, sender)) {
            judgement.over_rate.push_back(&rule);
            continue;
        }
        if (rule.verdict == DW_AUDIT) {
            judgement.audited.push_back(&rule);
            continue;
        }
        judgement.verdict = rule.verdict;
        judgement.rule = &rule;
        return judgement;
    }
    return judgement;
}

}  // namespace dishwall
