// SPDX-License-Identifier: BSD-3-Clause
#include "control/explainer.h"

#include <bpf/bpf.h>
#include <net/ethernet.h>

#include <algorithm>
#include <cerrno>

#include "control/counter_reader.h"
#include "control/frame_builder.h"
#include "control/frame_text.h"
#include "control/kernel_support.h"
#include "rules/lower.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::uint32_t kOnly = 0;
// Program and evaluator look at a bucket one after the other, and the line goes on meanwhile.
constexpr int kAttempts = 5;

}  // namespace

Result<Explainer> Explainer::load(const Datapath& datapath) {
    dw_settings dry = datapath.settings();
    dry.dry = 1;
    dry.trace = 1;
    dry.ask_neighbours = 0;  // the answer would be about this moment, not about the policy
    Result<Programs> twin = Programs::load(dry, datapath.cpus(), &datapath.maps());
    if (!twin) return fail_with(twin.error(), "cannot load the programs for explain");
    Result<RateReader> rates = RateReader::open(datapath.maps(), datapath.settings());
    if (!rates) return tl::unexpected(rates.error());
    return Explainer(std::move(*twin), std::move(*rates));
}

Result<dw_outcome> Explainer::run(std::span<const std::uint8_t> frame, Direction direction) const {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    const int program = direction == Direction::inbound ? twin_.ingress_fd() : twin_.egress_fd();
    if (const int error = bpf_prog_test_run_opts(program, &options); error != 0)
        return fail("cannot run the packet through the program: {}", describe_bpf_error(-error));
    dw_outcome outcome{};
    if (bpf_map_lookup_elem(twin_.outcome_fd(), &kOnly, &outcome) != 0)
        return fail("cannot read what the packet came to: {}", describe_bpf_error(errno));
    return outcome;
}

Result<Explanation> Explainer::explain_once(const PacketSpec& packet, const InForce& now) const {
    const Result<dw_outcome> outcome = run(build_frame(packet, now.own.mac), packet.direction);
    if (!outcome) return tl::unexpected(outcome.error());
    const Result<KernelInstant> instant = now.datapath.now();
    if (!instant) return tl::unexpected(instant.error());
    const auto rates = [&](const Rule& rule, const Ipv6Address& sender) {
        return rates_.read(rule, now.names.id_of(rule), sender, instant->jiffies);
    };
    return dishwall::explain(
        packet, *outcome,
        ExplainContext{now.policy, now.own, now.names, now.datapath.flows(),
                       now.datapath.flow_times(*instant), now.datapath.wall_clock(*instant), rates});
}

Result<Explanation> Explainer::explain(const PacketSpec& packet, const InForce& now) const {
    Result<Explanation> explanation = explain_once(packet, now);
    for (int i = 1; i < kAttempts && explanation && !explanation->agree; ++i)
        explanation = explain_once(packet, now);
    return explanation;
}

Result<json> Explainer::judge_frame(std::vector<std::uint8_t> frame, Direction direction,
                                    const InForce& now) const {
    const bool for_a_group = !frame.empty() && (frame[0] & 1) != 0;
    if (direction == Direction::inbound && !for_a_group && frame.size() >= ETH_ALEN)
        std::ranges::copy(now.own.mac, frame.begin());
    const Result<dw_outcome> outcome = run(frame, direction);
    if (!outcome) return tl::unexpected(outcome.error());
    const std::optional<RuleCounter> rule = now.names.find(outcome->rule);
    return json{{"verdict", to_string(static_cast<dw_verdict>(outcome->verdict))},
                {"reason", reason_info(outcome->reason).name},
                {"rule", rule ? json(rule->name) : json(nullptr)},
                {"packet", frame_text(frame, direction)}};
}

}  // namespace dishwall
