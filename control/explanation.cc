// SPDX-License-Identifier: BSD-3-Clause
#include "control/explanation.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "control/counter_reader.h"
#include "control/ended_flows.h"
#include "control/explain_stage.h"
#include "control/packet_json.h"
#include "rules/evaluate.h"
#include "rules/lower.h"

namespace dishwall {
namespace {

using nlohmann::json;

const char* state_text(dw_prefix_state state) {
    switch (state) {
        case DW_PREFIX_NONE:
            return "none";
        case DW_PREFIX_PREFERRED:
            return "preferred";
        case DW_PREFIX_DEPRECATED:
            return "deprecated";
        case DW_PREFIX_GRACE:
            return "grace";
    }
    return "none";
}

std::string source_name(const Uplink& uplink, unsigned source) {
    const std::string name = source < uplink.sources.size() ? uplink.sources[source].name : "?";
    return uplink.name + "." + name;
}

std::string rule_label(const Rule& rule) {
    return fmt::format("rule {} ({})", rule.name, to_string(rule.place));
}

std::string label_or_default(const Rule* rule) { return rule == nullptr ? "the default" : rule_label(*rule); }

json rule_json(const Rule& rule) { return {{"name", rule.name}, {"place", to_string(rule.place)}}; }

// The first host or network that the address belongs to; empty when it has no name.
std::string name_of(const Ipv6Address& address, const ExplainContext& context) {
    const auto is_named = [&](const AddressElements& elements) {
        return contains(AddressSet{false, elements, {}}, context.own, address);
    };
    for (const NamedAddress& host : context.policy.hosts)
        if (is_named(host.elements)) return "host " + host.name;
    for (const Network& network : context.policy.networks)
        if (is_named({Behind{network.source, network.subnet, std::nullopt}}))
            return "network " + network.name;
    return {};
}

bool is_flow_of(const dw_flow_key& key, const Query& query) {
    const bool inbound = query.direction == Direction::inbound;
    const bool same_ports = !has_ports(query.proto) ||
                            (key.inside_port == (inbound ? query.destination_port : query.source_port) &&
                             key.outside_port == (inbound ? query.source_port : query.destination_port));
    return key.proto == query.proto && address_of(key.inside) == query.ours &&
           address_of(key.outside) == query.peer && same_ports;
}

// Collects the reply in the order in which a person would follow the packet.
class Account {
public:
    Account(const PacketSpec& packet, const dw_outcome& outcome, const ExplainContext& context)
        : packet_(packet),
          outcome_(outcome),
          context_(context),
          query_(query_of(packet)),
          ended_in_(stage_of(outcome.reason)) {}

    Explanation give() {
        reply_["packet"] = to_string(packet_);
        ask_evaluator();
        tell_headers();
        tell_sanity();
        tell_flow();
        tell_policy();
        tell_rate();
        tell_inspection();
        tell_admission();
        tell_verdict();
        reply_["steps"] = steps_;
        return {std::move(reply_), agree_};
    }

private:
    template <typename... Args>
    void step(fmt::format_string<Args...> format, Args&&... args) {
        steps_.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    bool got_to(Stage stage) const { return ended_in_ >= stage; }
    bool judged() const { return is_policy_reason(outcome_.reason); }

    // ": ended here" with the reason's words, when this stage decided.
    std::string end_of(Stage stage) const {
        if (ended_in_ != stage) return "";
        const ReasonInfo& reason = reason_info(outcome_.reason);
        return fmt::format(": {} ({})", reason.accepts ? "passes" : "refused", reason.text);
    }

    void tell_headers() {
        const std::string end = end_of(Stage::headers);
        step("headers: {}{}", to_string(packet_), end.empty() ? ": well formed" : end);
    }

    void tell_sanity() {
        reply_["prefix"] = nullptr;
        if (!got_to(Stage::sanity)) return;
        step("sanity: {}{}", place(), end_of(Stage::sanity));
    }

    std::string place() {
        const char* end = query_.direction == Direction::inbound ? "destination" : "source";
        const std::string address = to_string(query_.ours);
        const std::string self = is_self(context_.own, query_.ours) ? "an address of this box" : "";
        const std::optional<Located> at = locate(context_.own, query_.ours);
        if (!at)
            return fmt::format("{} {} is {}", end, address, self.empty() ? "in none of our prefixes" : self);
        const LivePrefix& live = context_.own.prefixes[at->slot];
        const std::string source = source_name(context_.policy.uplink, live.source);
        reply_["prefix"] = {
            {"source", source}, {"prefix", to_string(live.prefix)}, {"state", state_text(live.state)}};
        reply_["subnet"] = at->subnet;
        const std::string name = name_of(query_.ours, context_);
        return fmt::format("{} {} is {}in {} = {} ({}), subnet {:#x}{}{}", end, address,
                           self.empty() ? "" : self + ", ", source, to_string(live.prefix),
                           state_text(live.state), at->subnet, name.empty() ? "" : ": ", name);
    }

    void tell_flow() {
        reply_["flow"] = nullptr;
        if (!got_to(Stage::flow)) return;
        if (rejudged_) step("flow: known, and judged again: it was opened from outside under another policy");
        if (!rejudged_ && !tell_known_flow())
            step("flow: no known flow has this packet{}", end_of(Stage::flow));
    }

    bool tell_known_flow() {
        if (outcome_.flow == 0) return false;
        const std::uint32_t slot = outcome_.flow - 1;
        if (slot >= context_.flows.flows.size()) return false;
        const FlowDump dump = read_flows(context_.flows.bucket(slot / DW_WAYS), context_.times, DW_WAYS);
        const dw_flow_key& key = context_.flows.flows[slot].key;
        const auto found = std::ranges::find_if(dump.flows, [&](const FlowSnapshot& one) {
            return std::memcmp(&one.flow.key, &key, sizeof key) == 0;
        });
        if (found == dump.flows.end()) return false;  // ended in this moment
        const json flow = flow_json(*found, context_.names, context_.clock);
        reply_["flow"] = flow;
        step("flow: known, opened from {}, {}{}", flow["origin"].get<std::string>(),
             flow["state"].get<std::string>(), end_of(Stage::flow));
        return true;
    }

    // ---- policy

    void tell_policy() {
        reply_["near"] = json::array();
        reply_["audited"] = json::array();
        reply_["rule"] = nullptr;
        if (judged()) {
            tell_rules_passed_by();
            tell_decision();
        } else if (const auto admitted = context_.names.find(outcome_.rule)) {
            reply_["rule"] = {{"name", admitted->name}, {"place", admitted->place}};
            step("policy: rule {} ({}) admitted it", admitted->name, admitted->place);
        } else if (got_to(Stage::policy)) {
            step("policy: accepts it");
        }
    }

    void tell_rules_passed_by() {
        const Chain& chain =
            asked_.direction == Direction::inbound ? context_.policy.inbound : context_.policy.outbound;
        std::vector<NearMiss> near = near_misses(chain, judgement_.rule, context_.own, asked_);
        for (const Rule* over : judgement_.over_rate) near.push_back({over, "rate"});
        std::ranges::sort(near, {}, &NearMiss::rule);  // all stand in one vector: the file's order
        for (const NearMiss& miss : near) tell_near(*miss.rule, miss.part);
        for (const Rule* audited : judgement_.audited) {
            reply_["audited"].push_back(rule_json(*audited));
            step("policy: audit {} matches", rule_label(*audited));
        }
    }

    void tell_near(const Rule& rule, std::string_view part) {
        reply_["near"].push_back({{"rule", rule.name},
                                  {"place", to_string(rule.place)},
                                  {"verdict", to_string(rule.verdict)},
                                  {"misses", part}});
        if (part == "rate")
            step("policy: {} ({}) matches, but the packet is over its rate", rule_label(rule),
                 to_string(rule.verdict));
        else
            step("policy: {} ({}) nearly matches: all but its {}", rule_label(rule), to_string(rule.verdict),
                 part);
    }

    void tell_decision() {
        const Rule* rule = deciding_rule();
        if (rule == nullptr) {
            step("policy: no rule decides, so the default does");
            return;
        }
        reply_["rule"] = rule_json(*rule);
        step("policy: {} matches: {}", rule_label(*rule), to_string(rule->verdict));
    }

    // Of the first rule with a rate that matched, whether the packet is over it or not.
    void tell_rate() {
        reply_["rate"] = nullptr;
        const Rule* limited = judgement_.over_rate.empty() ? judgement_.rule : judgement_.over_rate.front();
        if (!judged() || limited == nullptr || !limited->rate || !context_.rate) return;
        const RateState state = context_.rate(*limited, sender());
        reply_["rate"] = {{"rule", limited->name},
                          {"tokens_left", state.tokens_left},
                          {"burst", state.burst},
                          {"full_in_ms", state.full_in_ms}};
        step("rate: {} has {} of {} tokens left for {}, full in {} ms", rule_label(*limited),
             state.tokens_left, state.burst, limited->rate->per_source ? "this source" : "all",
             state.full_in_ms);
    }

    // The detour of a packet whose rule says `inspect`.
    void tell_inspection() {
        reply_["inspection"] = nullptr;
        if (outcome_.inspect == 0) return;
        const auto& all = context_.policy.signatures;
        const auto wanted = std::ranges::find(
            all, outcome_.inspect & DW_INSPECT_SIGNATURES,
            [](const Signatures& one) -> std::uint32_t { return one.id; });
        const std::string name = wanted == all.end() ? "of an earlier policy" : wanted->name;
        reply_["inspection"] = {
            {"signatures", name},
            {"on_failure", outcome_.inspect & DW_INSPECT_PASS_ON_FAILURE ? "accept" : "drop"}};
        step("inspection: signatures {}, on failure {}{}", name,
             reply_["inspection"]["on_failure"].get<std::string>(), end_of(Stage::inspection));
    }

    void tell_admission() {
        if (ended_in_ != Stage::admission) return;
        step("admission: the policy accepts it, and then{}", end_of(Stage::admission));
    }

    void tell_verdict() {
        const ReasonInfo& reason = reason_info(outcome_.reason);
        reply_["verdict"] = to_string(static_cast<dw_verdict>(outcome_.verdict));
        reply_["reason"] = reason.name;
        reply_["reason_text"] = reason.text;
        step("verdict: {} ({}: {})", reply_["verdict"].get<std::string>(), reason.name, reason.text);
        if (!agree_)
            step(
                "DISAGREEMENT: the slow evaluator says {} by {}. This is a bug in dishwall: please report it "
                "with "
                "this output and the rule file",
                to_string(judgement_.verdict), label_or_default(judgement_.rule));
    }

    // ---- the evaluator

    void ask_evaluator() {
        reply_["evaluator"] = nullptr;
        asked_ = query_;
        if (judged()) {
            judge(query_, [&](const Rule& rule, const Ipv6Address& from) {
                return context_.rate && context_.rate(rule, from).tokens_left == 0;
            });
            if (!agree_) judge_again();
            reply_["evaluator"] = {{"verdict", to_string(judgement_.verdict)}, {"rule", nullptr}};
            if (judgement_.rule != nullptr) reply_["evaluator"]["rule"] = judgement_.rule->name;
        }
        reply_["agree"] = agree_;
    }

    void judge(const Query& query, const OverRate& over_rate) {
        judgement_ = evaluate(context_.policy, context_.own, query, over_rate);
        agree_ = comes_to(judgement_.verdict, static_cast<dw_verdict>(outcome_.verdict)) &&
                 judgement_.rule == deciding_rule();
    }

    // A packet of a flow that another policy let in is judged as the flow's first one was, whichever way it
    // goes (R28). The outcome does not tell, so it is looked for when the usual question has another answer.
    void judge_again() {
        const Judgement usual = judgement_;
        const std::optional<Query> first = question_of_flow();
        if (first) judge(*first, {});
        rejudged_ = first && agree_;
        if (rejudged_)
            asked_ = *first;
        else
            judgement_ = usual;
    }

    std::optional<Query> question_of_flow() const {
        for (std::size_t i = 0; i < context_.flows.slots.size(); ++i)
            for (const FlowSnapshot& one : read_flows(context_.flows.bucket(i), context_.times, DW_WAYS).flows)
                if (is_flow_of(one.flow.key, query_)) return first_question(one.flow);
        return std::nullopt;
    }

    // Of a packet that the policy judged; null: its default, or something built in.
    const Rule* deciding_rule() const {
        if (!judged() || outcome_.rule == DW_NO_RULE) return nullptr;
        return rule_at(context_.policy, outcome_.rule_index);
    }

    const Ipv6Address& sender() const {
        return asked_.direction == Direction::inbound ? asked_.peer : asked_.ours;
    }

    const PacketSpec& packet_;
    const dw_outcome& outcome_;
    const ExplainContext& context_;
    const Query query_;
    const Stage ended_in_;
    Query asked_;            // what the chain was asked
    bool rejudged_ = false;  // as a known flow
    Judgement judgement_;
    json reply_ = json::object();
    std::vector<std::string> steps_;
    bool agree_ = true;
};

}  // namespace

Explanation explain(const PacketSpec& packet, const dw_outcome& outcome, const ExplainContext& context) {
    return Account(packet, outcome, context).give();
}

}  // namespace dishwall
