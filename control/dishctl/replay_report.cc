// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/replay_report.h"

#include <algorithm>

#include "control/clock.h"
#include "control/counter_registry.h"
#include "control/frame_text.h"
#include "control/packet_json.h"
#include "rules/lower.h"
#include "rules/signatures.h"

namespace dishwall {
namespace {

using nlohmann::json;

const Rule* rule_of(const Policy& policy, const ReplayDecision& decision) {
    return decision.rule == ReplayDecision::kNoRule ? nullptr : rule_at(policy, decision.rule);
}

json name_of(const Rule* rule) { return rule == nullptr ? json(nullptr) : json(rule->name); }

json results_json(const ReplaySide& side) {
    json results = json::array();
    for (const ReplayRow& row : side.most_first()) {
        const Rule* rule = rule_of(side.policy(), row.decision);
        results.push_back({{"verdict", to_string(row.decision.verdict)},
                           {"reason", reason_name(row.decision.reason)},
                           {"rule", name_of(rule)},
                           {"place", rule == nullptr ? json(nullptr) : json(to_string(rule->place))},
                           {"packets", row.packets},
                           {"bytes", row.bytes}});
    }
    return results;
}

json flows_json(const FlowTotals& flows) {
    return {{"total", flows.total()}, {"inside", flows.inside}, {"outside", flows.outside},
            {"ended", flows.ended()}, {"open", flows.open},     {"matched", flows.matched}};
}

json match_json(const ReplayMatch& match) {
    return {{"packet", match.packet},
            {"time", iso_time(UnixTime(match.time_ns))},
            {"signatures", match.signatures},
            {"signature", match.id},
            {"rule", match.rule.empty() ? json(nullptr) : json(match.rule)},
            {"action", name_of(match.action)},
            {"direction", match.direction == Direction::inbound ? "in" : "out"},
            {"IP", ip_json(match.source, match.destination)},
            {"l4", l4_json(match.proto, match.source_port, match.destination_port)},
            {"banned_s", match.banned_s}};
}

json inspection_json(const ReplaySide& side) {
    if (side.inspection() == nullptr) return nullptr;
    const InspectionReport& report = side.inspection()->report();
    json matches = json::array();
    for (const ReplayMatch& match : report.matches) matches.push_back(match_json(match));
    return {{"bytes", report.bytes}, {"matched", report.matched}, {"matches", std::move(matches)}};
}

json side_json(const ReplaySide& side) {
    return {{"results", results_json(side)},
            {"flows", flows_json(side.flows())},
            {"inspection", inspection_json(side)}};
}

json differences_json(const Replay& replay) {
    json list = json::array();
    for (const ReplayDifference& one : replay.differences()->most_first())
        list.push_back({{"packets", one.packets},
                        {"bytes", one.bytes},
                        {"flows", one.flows},
                        {"verdict_now", to_string(one.now.verdict)},
                        {"rule_now", name_of(rule_of(replay.now().policy(), one.now))},
                        {"verdict_then", to_string(one.then.verdict)},
                        {"rule_then", name_of(rule_of(replay.then()->policy(), one.then))},
                        {"packet", one.example},
                        {"example", frame_text(one.example_frame, one.example_direction)}});
    return list;
}

json learnt_names(const Policy& policy) {
    json names = json::array();
    for (const LearntHost& host : policy.learnt) names.push_back(host.name);
    return names;
}

}  // namespace

json replay_document(const ReplayFiles& files, const Replay& replay, const ReplayLine& line) {
    const ReplayTotals& totals = replay.totals();
    json document = side_json(replay.now());
    document["capture"] = files.capture;
    document["config"] = files.config;
    document["damage"] = files.damage ? json(*files.damage) : json(nullptr);
    document["packets"] = totals.packets();
    document["packets_in"] = totals.in;
    document["packets_out"] = totals.out;
    document["bytes"] = totals.bytes;
    document["first"] = totals.packets() == 0 ? json(nullptr) : json(iso_time(UnixTime(totals.first_ns)));
    document["last"] = totals.packets() == 0 ? json(nullptr) : json(iso_time(UnixTime(totals.last_ns)));
    document["seconds"] = static_cast<double>((totals.last_ns - totals.first_ns) / 1'000'000) / 1000;
    json changes = json::array();
    for (const ReplayLine::Change& one : line.changes())
        changes.push_back(
            {{"packet", one.packet == 0 ? json(nullptr) : json(one.packet)}, {"text", one.text}});
    document["line"] = std::move(changes);
    document["before_prefix"] = line.early();
    document["hosts_unknown"] = learnt_names(replay.now().policy());
    if (!replay.differences()) return document;
    document["against"] = side_json(*replay.then());
    document["against"]["config"] = files.against;
    document["against"]["hosts_unknown"] = learnt_names(replay.then()->policy());
    document["differing"] = replay.differences()->packets();
    document["differences"] = differences_json(replay);
    document["unlisted"] = replay.differences()->unlisted();
    return document;
}

}  // namespace dishwall
