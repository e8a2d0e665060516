// SPDX-License-Identifier: BSD-3-Clause
#include "control/flow_json.h"
#include "control/clock.h"

#include <netinet/in.h>

#include "control/counter_reader.h"
#include "control/packet_json.h"

namespace dishwall {
namespace {

using nlohmann::json;

const char* tcp_state(std::uint32_t seen) {
    if ((seen & (DW_SEEN_IN_RST | DW_SEEN_OUT_RST)) != 0) return "reset";
    if ((seen & (DW_SEEN_IN_FIN | DW_SEEN_OUT_FIN)) != 0) return "closing";
    return (seen & DW_SEEN_ESTABLISHED) != 0 ? "established" : "opening";
}

json rule_name(const CounterRegistry& names, std::uint32_t id) {
    const std::optional<RuleCounter> rule = names.find(id);
    return rule ? json(rule->name) : json(nullptr);
}

// The side that opened the flow is the source.
json endpoints(const dw_flow& flow) {
    const dw_flow_key& key = flow.key;
    const bool from_inside = flow.origin == DW_INSIDE;
    json fields;
    fields["IP"] = from_inside ? ip_json(key.inside, key.outside) : ip_json(key.outside, key.inside);
    if (is_icmp(key.proto))
        fields["l4"] = {{protocol_name(key.proto), {{"identifier", key.inside_port}}}};
    else if (from_inside)
        fields["l4"] = l4_json(key.proto, key.inside_port, key.outside_port);
    else
        fields["l4"] = l4_json(key.proto, key.outside_port, key.inside_port);
    return fields;
}

}  // namespace

std::int64_t WallClock::unix_ns_of(std::uint64_t then_jiffies) const {
    const auto ago = static_cast<std::int64_t>(jiffies - then_jiffies);
    return unix_ns - ago * (1'000'000'000 / static_cast<std::int64_t>(hz));
}

const char* flow_state(const dw_flow& flow) {
    if (flow.key.proto == IPPROTO_TCP) return tcp_state(flow.seen);
    if ((flow.seen & DW_SEEN_ESTABLISHED) != 0) return "established";
    const std::uint32_t both = DW_SEEN_IN | DW_SEEN_OUT;
    return (flow.seen & both) == both ? "answered" : "unanswered";
}

json flow_json(const FlowSnapshot& snapshot, const CounterRegistry& names, const WallClock& clock) {
    const dw_flow& flow = snapshot.flow;
    json fields = endpoints(flow);
    fields["verdict"] = "FORWARDED";
    fields["origin"] = flow.origin == DW_INSIDE ? "inside" : "outside";
    fields["stage"] = snapshot.established() ? "established" : "embryonic";
    fields["state"] = flow_state(flow);
    fields["rule"] = rule_name(names, flow.rule);
    fields["reason"] = reason_info(flow.reason).name;
    fields["generation"] = flow.generation;
    fields["packets_in"] = flow.in.packets;
    fields["bytes_in"] = flow.in.bytes;
    fields["packets_out"] = flow.out.packets;
    fields["bytes_out"] = flow.out.bytes;
    fields["first_seen"] = iso_time(UnixTime(clock.unix_ns_of(flow.first_seen)));
    fields["last_seen"] = iso_time(UnixTime(clock.unix_ns_of(flow.last_seen)));
    const std::uint64_t left = snapshot.timeout > snapshot.idle ? snapshot.timeout - snapshot.idle : 0;
    fields["timeout_in"] = left / clock.hz;
    return fields;
}

}  // namespace dishwall
