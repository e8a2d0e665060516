// SPDX-License-Identifier: BSD-3-Clause
#include "control/shadow/shadow_runs.h"

#include <spdlog/spdlog.h>

#include <limits>

#include "control/ended_flows.h"

namespace dishwall {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto kSilence = 10s;
constexpr auto kFollowEvery = 1ms;  // what is ours is compared so often at most, not for each packet
constexpr std::size_t kFlowsListed = 1000;
constexpr std::size_t kFlowsAtOnce = 64;
constexpr auto kFlowsTime = 300ms;

}  // namespace

ShadowRuns::ShadowRuns(sd_event* loop, std::function<InForce()> in_force)
    : in_force_(std::move(in_force)), silence_(make_timer(loop, on_silence, this)) {}

tl::expected<std::uint64_t, ConfigFailure> ShadowRuns::start(const std::string& path) {
    auto config = load_config(path);
    if (!config) return tl::unexpected(std::move(config.error()));
    run_.emplace(Run{Comparison(std::move(config->policy)), monotonic_time(), 0, {}});
    followed_ = MonotonicTime(0);
    follow_own();
    in_force_().datapath.policy().report_judged(true);
    stay_awake();
    spdlog::info("shadow: comparing with {}", path);
    return ++last_id_;
}

json ShadowRuns::report(std::uint64_t id, bool with_flows) {
    if (!run_ || id != last_id_) return nullptr;
    stay_awake();
    follow_own();
    json reply = run_->comparison.report();
    reply["seconds"] = std::chrono::floor<std::chrono::seconds>(monotonic_time() - run_->since).count();
    reply["flows"] = json::array();
    reply["flows_total"] = 0;
    reply["flows_unchecked"] = 0;
    if (with_flows) add_flows(&reply);
    return reply;
}

// Those that would end, as far as they can be found in the time that the loop can spare.
void ShadowRuns::add_flows(json* reply) const {
    const InForce now = in_force_();
    const Result<KernelInstant> instant = now.datapath.now();
    if (!instant) return;
    const FlowDump dump = read_flows(now.datapath.flows(), now.datapath.flow_times(*instant),
                                     std::numeric_limits<std::size_t>::max());
    const WallClock clock = now.datapath.wall_clock(*instant);
    const MonotonicTime end = monotonic_time() + kFlowsTime;
    std::span<const FlowSnapshot> left(dump.flows);
    std::uint64_t total = 0;
    while (!left.empty() && monotonic_time() < end) {
        const std::span<const FlowSnapshot> some = left.first(std::min(left.size(), kFlowsAtOnce));
        left = left.subspan(some.size());
        for (const FlowSnapshot& flow :
             ended_flows(run_->comparison.candidate(), run_->comparison.own(), some))
            if (total++ < kFlowsListed) (*reply)["flows"].push_back(flow_json(flow, now.names, clock));
    }
    (*reply)["flows_total"] = total;
    (*reply)["flows_unchecked"] = left.size();
}

void ShadowRuns::end() {
    if (!run_) return;
    in_force_().datapath.policy().report_judged(false);
    run_.reset();
    set_timer(silence_, std::nullopt);
    spdlog::info("shadow: ended");
}

void ShadowRuns::take(const dw_event& event) {
    if (!run_) return;
    if (MonotonicTime(event.time_ns) - followed_ >= kFollowEvery) {
        followed_ = MonotonicTime(event.time_ns);
        follow_own();
    }
    run_->comparison.add(event, in_force_().names);
}

void ShadowRuns::follow_own() {
    const InForce now = in_force_();
    const std::uint32_t generation = now.datapath.policy().generation();
    if (run_->generation == generation && run_->own == now.own) return;
    run_->generation = generation;
    run_->own = now.own;
    run_->comparison.set_own(own_for(now.own, now.policy.uplink, run_->comparison.candidate().uplink));
}

void ShadowRuns::stay_awake() { set_timer(silence_, monotonic_time() + kSilence); }

int ShadowRuns::on_silence(sd_event_source*, std::uint64_t, void* self) {
    spdlog::warn("shadow: nobody asked for its report in {} s", kSilence.count());
    static_cast<ShadowRuns*>(self)->end();
    return 0;
}

}  // namespace dishwall
