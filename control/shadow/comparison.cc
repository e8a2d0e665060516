// SPDX-License-Identifier: BSD-3-Clause
#include "control/shadow/comparison.h"

#include <netinet/in.h>

#include <algorithm>

#include "control/explain_stage.h"
#include "control/packet_json.h"
#include "control/packet_text.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::size_t kDifferencesMost = 1000;
// As many sources as the programs themselves remember; whoever sends from more is not bounded by a rate.
constexpr std::size_t kBucketsMost = 65536;
constexpr std::uint8_t kSyn = 2;

PacketSpec packet_of(const dw_event& event) {
    PacketSpec packet;
    packet.direction = event.direction == 0 ? Direction::inbound : Direction::outbound;
    packet.proto = event.proto;
    packet.source = address_of(event.src);
    packet.destination = address_of(event.dst);
    if (has_ports(event.proto)) {
        packet.source_port = event.sport;
        packet.destination_port = event.dport;
    }
    if (event.proto == IPPROTO_TCP) packet.tcp_flags = kSyn;  // what opens a flow
    if (event.proto == IPPROTO_ICMPV6) packet.icmp_type = static_cast<std::uint8_t>(event.sport);
    return packet;
}

// The chain refused by its default, and the port was open for everybody: so it would be under any policy
// whose default is asked.
bool stays_open(const dw_event& event, const Judgement& then) {
    return event.reason == DW_REASON_INDEPENDENT && then.rule == nullptr;
}

json rule_or_null(const std::string& name) { return name.empty() ? json(nullptr) : json(name); }

}  // namespace

bool Comparison::is_over(const Rule& rule, const Ipv6Address& sender, std::uint64_t time_ns) {
    if (rates_.size() > kBucketsMost) rates_.forget();
    return rates_.over(rule, sender, time_ns);
}

void Comparison::add(const dw_event& event, const CounterRegistry& names) {
    ++judged_;
    missed_ += event.missed;
    if (stage_of(event.reason) != Stage::policy) return;  // accepted, and then refused by something built in
    latest_ns_ =
        std::max<std::uint64_t>(latest_ns_, event.time_ns);  // events of several CPUs may overtake each other
    const PacketSpec packet = packet_of(event);
    const Judgement then = evaluate(
        candidate_, own_, query_of(packet),
        [&](const Rule& rule, const Ipv6Address& sender) { return is_over(rule, sender, latest_ns_); });
    const auto now = static_cast<dw_verdict>(event.verdict);
    if (comes_to(then.verdict, now) || stays_open(event, then)) return;

    const std::optional<RuleCounter> rule = names.find(event.rule);
    const Key key{rule ? rule->name : "", to_string(now),
                  then.rule == nullptr ? "" : then.rule->name, to_string(then.verdict)};
    if (differences_.size() == kDifferencesMost && !differences_.contains(key)) {
        ++unlisted_;
        return;
    }
    Difference& difference = differences_[key];
    if (difference.packets++ == 0) difference.example = to_string(packet);
}

json Comparison::report() const {
    std::vector<std::pair<Key, Difference>> most_first(differences_.begin(), differences_.end());
    std::ranges::stable_sort(most_first, std::greater<>(),
                             [](const auto& one) { return one.second.packets; });
    json differences = json::array();
    for (const auto& [key, difference] : most_first)
        differences.push_back({{"rule_now", rule_or_null(key[0])},
                               {"verdict_now", key[1]},
                               {"rule_then", rule_or_null(key[2])},
                               {"verdict_then", key[3]},
                               {"packets", difference.packets},
                               {"example", difference.example}});
    return {{"judged", judged_}, {"missed", missed_}, {"differences", differences}, {"unlisted", unlisted_}};
}

}  // namespace dishwall
