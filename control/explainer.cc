// SPDX-License-Identifier: BSD-3-Clause
#include "control/explainer.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "control/counter_reader.h"
#include "control/frame_builder.h"
#include "control/kernel_support.h"
#include "control/packet_json.h"
#include "rules/evaluate.h"
#include "rules/lower.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::uint32_t kOnly = 0;

// Reasons by which the policy, and nothing built in, decided.
bool is_policy_reason(std::uint8_t reason) {
    switch (reason) {
        case DW_REASON_RULE_ACCEPT:
        case DW_REASON_RULE_DROP:
        case DW_REASON_RULE_REJECT:
        case DW_REASON_RULE_REJECT_LATE:
        case DW_REASON_DEFAULT_ACCEPT:
        case DW_REASON_DEFAULT_DROP:
        case DW_REASON_DEFAULT_REJECT:
        case DW_REASON_DEFAULT_REJECT_LATE:
            return true;
        default:
            return false;
    }
}

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

std::string rule_label(const Rule* rule) {
    return rule == nullptr ? "the default" : fmt::format("rule {} ({})", rule->name, to_string(rule->place));
}

// The first host or network that the address belongs to; empty when it has no name.
std::string name_of(const Ipv6Address& address, const ExplainContext& context) {
    const auto is_named = [&](const std::vector<AddressElement>& elements) {
        return contains(AddressSet{false, elements, {}}, context.own, address);
    };
    for (const NamedAddress& host : context.policy.hosts)
        if (is_named(host.elements)) return "host " + host.name;
    for (const Network& network : context.policy.networks)
        if (is_named({Behind{network.source, network.subnet, std::nullopt}})) return "network " + network.name;
    return {};
}

// Collects the reply in the order in which a person would follow the packet.
class Account {
public:
    Account(const PacketSpec& packet, const dw_outcome& outcome, const ExplainContext& context)
        : packet_(packet), outcome_(outcome), context_(context), query_(query_of(packet)) {}

    Explanation give() {
        reply_["packet"] = to_string(packet_);
        step("the packet: {}", to_string(packet_));
        tell_place();
        tell_flow();
        tell_rule();
        tell_verdict();
        ask_evaluator();
        reply_["steps"] = steps_;
        return {std::move(reply_), agree_};
    }

private:
    template <typename... Args>
    void step(fmt::format_string<Args...> format, Args&&... args) {
        steps_.push_back(fmt::format(format, std::forward<Args>(args)...));
    }

    void tell_place() {
        reply_["prefix"] = nullptr;
        const char* end = query_.direction == Direction::inbound ? "destination" : "source";
        const std::string address = to_string(query_.ours);
        const bool self = is_self(context_.own, query_.ours);
        if (self) step("{} {} is an address of this box", end, address);
        const std::optional<Located> at = locate(context_.own, query_.ours);
        if (!at) {
            if (!self) step("{} {} is in none of our prefixes", end, address);
            return;
        }
        const LivePrefix& live = context_.own.prefixes[at->slot];
        const std::string source = source_name(context_.policy.uplink, live.source);
        reply_["prefix"] = {
            {"source", source}, {"prefix", to_string(live.prefix)}, {"state", state_text(live.state)}};
        reply_["subnet"] = at->subnet;
        const std::string name = name_of(query_.ours, context_);
        step("{} {} is in {} = {} ({}), subnet {:#x}{}{}", end, address, source, to_string(live.prefix),
             state_text(live.state), at->subnet, name.empty() ? "" : ": ", name);
    }

    void tell_flow() {
        reply_["flow"] = nullptr;
        if (outcome_.flow == 0) {
            step("no known flow has this packet");
            return;
        }
        const std::uint32_t slot = outcome_.flow - 1;
        if (slot / DW_WAYS >= context_.flows.size()) return;
        dw_bucket& bucket = context_.flows[slot / DW_WAYS];
        const FlowDump dump = read_flows({&bucket, 1}, context_.times, DW_WAYS);
        const dw_flow_key& key = bucket.flow[slot % DW_WAYS].key;
        const auto found = std::find_if(dump.flows.begin(), dump.flows.end(), [&](const FlowSnapshot& one) {
            return std::memcmp(&one.flow.key, &key, sizeof key) == 0;
        });
        if (found == dump.flows.end()) return;  // ended in this moment
        reply_["flow"] = flow_json(*found, context_.names, context_.clock);
        step("it belongs to a known flow, opened from {}, {}", reply_["flow"]["origin"].get<std::string>(),
             reply_["flow"]["state"].get<std::string>());
    }

    void tell_rule() {
        reply_["rule"] = nullptr;
        if (const Rule* rule = deciding_rule()) {
            reply_["rule"] = {{"name", rule->name}, {"place", to_string(rule->place)}};
            step("{} matches: {}", rule_label(rule), to_string(rule->verdict));
        } else if (const RuleCounter* admitted =
                       outcome_.rule == DW_NO_RULE ? nullptr : context_.names.find(outcome_.rule)) {
            reply_["rule"] = {{"name", admitted->name}, {"place", admitted->place}};
            step("the flow was admitted by rule {} ({})", admitted->name, admitted->place);
        }
    }

    void tell_verdict() {
        const ReasonInfo& reason = reason_info(outcome_.reason);
        reply_["verdict"] = to_string(static_cast<dw_verdict>(outcome_.verdict));
        reply_["reason"] = reason.name;
        reply_["reason_text"] = reason.text;
        step("verdict: {} ({}: {})", reply_["verdict"].get<std::string>(), reason.name, reason.text);
    }

    void ask_evaluator() {
        reply_["evaluator"] = nullptr;
        if (is_policy_reason(outcome_.reason)) {
            const Judgement judgement = evaluate(context_.policy, context_.own, query_);
            reply_["evaluator"] = {{"verdict", to_string(judgement.verdict)}, {"rule", nullptr}};
            if (judgement.rule != nullptr) reply_["evaluator"]["rule"] = judgement.rule->name;
            for (const Rule* audited : judgement.audited) step("on the way, audit {}", rule_label(audited));
            agree_ = comes_to(judgement.verdict, static_cast<dw_verdict>(outcome_.verdict)) &&
                     judgement.rule == deciding_rule();
            if (!agree_)
                step(
                    "DISAGREEMENT: the slow evaluator says {} by {}. This is a bug in dishwall: please "
                    "report "
                    "it with this output and the rule file",
                    to_string(judgement.verdict), rule_label(judgement.rule));
        }
        reply_["agree"] = agree_;
    }

    // Of a packet that the policy judged; null: its default, or something built in.
    const Rule* deciding_rule() const {
        if (!is_policy_reason(outcome_.reason) || outcome_.rule == DW_NO_RULE) return nullptr;
        return rule_at(context_.policy, outcome_.rule_index);
    }

    const PacketSpec& packet_;
    const dw_outcome& outcome_;
    const ExplainContext& context_;
    const Query query_;
    json reply_ = json::object();
    std::vector<std::string> steps_;
    bool agree_ = true;
};

}  // namespace

Result<Explainer> Explainer::load(const dw_settings& settings, std::uint32_t cpus, const KernelMaps& maps) {
    dw_settings dry = settings;
    dry.dry = 1;
    dry.trace = 1;
    dry.ask_neighbours = 0;  // the answer would be about this moment, not about the policy
    Result<Programs> twin = Programs::load(dry, cpus, &maps);
    if (!twin) return fail_with(twin.error(), "cannot load the programs for explain");
    return Explainer(std::move(*twin));
}

Result<dw_outcome> Explainer::run(const PacketSpec& packet, const MacAddress& uplink) const {
    const std::vector<std::uint8_t> frame = build_frame(packet, uplink);
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    const int program = packet.direction == Direction::inbound ? twin_.ingress_fd() : twin_.egress_fd();
    if (const int error = bpf_prog_test_run_opts(program, &options); error != 0)
        return fail("cannot run the packet through the program: {}", describe_bpf_error(-error));
    dw_outcome outcome{};
    if (bpf_map_lookup_elem(twin_.outcome_fd(), &kOnly, &outcome) != 0)
        return fail("cannot read what the packet came to: {}", describe_bpf_error(errno));
    return outcome;
}

Explanation explain(const PacketSpec& packet, const dw_outcome& outcome, const ExplainContext& context) {
    return Account(packet, outcome, context).give();
}

}  // namespace dishwall
