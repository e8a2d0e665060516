// SPDX-License-Identifier: BSD-3-Clause
#include "control/ended_flows.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <algorithm>

#include "bpf/core/reason.h"
#include "control/packet_json.h"

namespace dishwall {

std::optional<Query> first_question(const dw_flow& flow) {
    const dw_flow_key& key = flow.key;
    const bool is_mark = key.outside.hi == 0 && key.outside.lo == 0;
    if (flow.origin != DW_OUTSIDE || flow.reason == DW_REASON_INDEPENDENT || is_mark) return std::nullopt;
    if (is_ipv4(key.outside)) return std::nullopt;  // the rules are about IPv6
    Query query;
    query.peer = address_of(key.outside);
    query.ours = address_of(key.inside);
    query.proto = key.proto;
    if (key.proto == IPPROTO_ICMPV6) {
        query.icmp_type = ICMP6_ECHO_REQUEST;
        return query;
    }
    query.source_port = key.outside_port;
    query.destination_port = key.inside_port;
    return query;
}

Own own_for(const Own& own, const Uplink& from, const Uplink& to) {
    Own other = own;
    std::erase_if(other.prefixes, [&](LivePrefix& prefix) {
        if (prefix.source >= from.sources.size()) return true;
        const auto same =
            std::ranges::find(to.sources, from.sources[prefix.source].name, &PrefixSource::name);
        prefix.source = static_cast<unsigned>(same - to.sources.begin());
        return same == to.sources.end();
    });
    return other;
}

std::vector<FlowSnapshot> ended_flows(const Policy& candidate, const Own& own,
                                      std::span<const FlowSnapshot> flows) {
    std::vector<FlowSnapshot> ended;
    for (const FlowSnapshot& flow : flows) {
        const std::optional<Query> query = first_question(flow.flow);
        if (query && evaluate(candidate, own, *query).verdict != DW_ACCEPT) ended.push_back(flow);
    }
    return ended;
}

}  // namespace dishwall
