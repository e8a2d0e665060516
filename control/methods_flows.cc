// SPDX-License-Identifier: BSD-3-Clause
//
// Counters and Flows: what the programs count and remember.
#include <algorithm>

#include "control/clock.h"
#include "control/methods_parts.h"
#include "control/packet_json.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::size_t kFlowsByDefault = 10'000;

json chain_totals(const char* name, const std::string& place, const std::string& chain,
                  const std::string& verdict, const Total& total) {
    return {{"name", name},       {"place", place},           {"chain", chain},
            {"verdict", verdict}, {"packets", total.packets}, {"bytes", total.bytes}};
}

json reason_totals(const CounterReader& counters) {
    std::vector<json> reasons;
    for (const ReasonInfo& reason : all_reasons()) {
        const Total total = counters.total(reason.number);
        reasons.push_back({{"name", reason.name},
                           {"text", reason.text},
                           {"verdict", reason.accepts ? "accept" : "drop"},
                           {"packets", total.packets},
                           {"bytes", total.bytes}});
    }
    std::stable_partition(reasons.begin(), reasons.end(),
                          [](const json& reason) { return reason["packets"] != 0; });
    return reasons;
}

// In the order of the rule file, then what is gone.
json rule_totals(Daemon& daemon) {
    const CounterReader& counters = daemon.datapath().counters();
    json rules = json::array();
    const auto add_chain = [&](const Chain& chain, const char* name) {
        for (const Rule& rule : chain.rules)
            rules.push_back(chain_totals(rule.name.c_str(), to_string(rule.place), name,
                                         to_string(rule.verdict),
                                         counters.total(daemon.names().id_of(rule))));
    };
    add_chain(daemon.policy().inbound, "inbound");
    add_chain(daemon.policy().outbound, "outbound");
    for (const RuleCounter& gone : daemon.names().list())
        if (gone.is_gone())
            rules.push_back(
                chain_totals(gone.name.c_str(), gone.place, "gone", gone.verdict, counters.total(gone.id)));
    return rules;
}

CallResult flows(Daemon& daemon, const json& parameters) {
    const auto limit = limit_in(parameters, kFlowsByDefault);
    if (!limit) return tl::unexpected(limit.error());
    Datapath& datapath = daemon.datapath();
    const Result<KernelInstant> now = datapath.now();
    if (!now) return call_error("Failed", now.error().message);
    const FlowDump dump = read_flows(datapath.flows(), datapath.flow_times(*now), *limit);
    const WallClock clock = datapath.wall_clock(*now);
    json list = json::array();
    for (const FlowSnapshot& flow : dump.flows) list.push_back(flow_json(flow, daemon.names(), clock));
    return json{
        {"flows", std::move(list)}, {"truncated", dump.used > dump.flows.size()}, {"slots_used", dump.used}};
}

}  // namespace

void add_flow_methods(const AddMethod& add, Daemon* daemon) {
    add("Counters", [=](const Caller&, const json&) -> CallResult {
        return json{{"reasons", reason_totals(daemon->datapath().counters())},
                    {"rules", rule_totals(*daemon)}};
    });
    add("Flows", [=](const Caller&, const json& parameters) { return flows(*daemon, parameters); });
}

}  // namespace dishwall
