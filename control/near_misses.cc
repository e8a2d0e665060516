// SPDX-License-Identifier: BSD-3-Clause
//
// Which rules nearly matched: with the one part that misses taken away, the rest of the rule still has to
// match.
#include "control/explanation.h"
#include "rules/evaluate.h"

namespace dishwall {
namespace {

constexpr std::size_t kListed = 10;

// The ports of a rule for another protocol are compared all the same: `accept udp 443` nearly means tcp 443.
void forgive_protocol(Traffic* traffic, const Query& query) {
    for (ProtocolMatch& match : traffic->match) {
        match.proto = query.proto;
        if (!has_ports(query.proto)) match.ports.clear();
        if (query.proto != IPPROTO_ICMPV6) match.icmp_types.clear();
    }
    if (!has_ports(query.proto)) traffic->from_ports.clear();
}

bool would_match_without(std::string_view part, Traffic traffic, const Own& own, const Query& query) {
    if (part == "protocol") forgive_protocol(&traffic, query);
    if (part == "port" || part == "type")
        for (ProtocolMatch& match : traffic.match)
            if (!match.proto || *match.proto == query.proto) match.ports.clear(), match.icmp_types.clear();
    if (part == "sender's port") traffic.from_ports.clear();
    if (part == "from") traffic.from = AddressSet();
    if (part == "to") traffic.to = AddressSet();
    return matches(traffic, own, query);
}

}  // namespace

std::vector<NearMiss> near_misses(const Chain& chain, const Rule* end, const Own& own, const Query& query) {
    std::vector<NearMiss> near;
    for (const Rule& rule : chain.rules) {
        if (&rule == end || near.size() == kListed) break;
        const std::string_view part = mismatch(rule, own, query);
        if (!part.empty() && would_match_without(part, rule, own, query)) near.push_back({&rule, part});
    }
    return near;
}

}  // namespace dishwall
