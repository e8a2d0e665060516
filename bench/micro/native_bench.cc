// SPDX-License-Identifier: BSD-3-Clause
//
// The packet core compiled for user space: what the code costs without the kernel around it. The number
// behind the name says over how many peers the packets are spread: 1 is a hot cache, 65536 is not.
#include <fmt/format.h>

#include "bench/micro/cases.h"
#include "bench/micro/verdicts.h"
#include "bench/published.h"
#include "bpf/core/reason.h"
#include "tests/core/executor.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kBuckets = 524288 / DW_WAYS;  // room for 65,536 flows without an eviction

Result<std::unique_ptr<test::Executor>> make_core() {
    auto policy = policy_of(rule_file(published_services(kMicroServices), 131072));
    if (!policy) return tl::unexpected(policy.error());
    auto image = image_of(*policy);
    if (!image) return tl::unexpected(image.error());
    auto core = test::make_native_executor({.buckets = kBuckets});
    core->install(*image);
    core->set_own(own_of_the_gateway());
    return core;
}

void open_flows(test::Executor& core, std::uint32_t flows) {
    Bytes frame = opening_frame();
    for (std::uint32_t n = 0; n < flows; ++n) {
        vary_outbound(frame, n);
        core.run(Direction::outbound, frame);
    }
}

// Any n below `peers` (a power of two), in no order that a prefetcher could learn.
std::uint32_t scattered(std::uint64_t i, std::uint32_t peers) {
    return static_cast<std::uint32_t>(i * 0x9e3779b97f4a7c15 >> 32) & (peers - 1);
}

// Every packet of the case once, each with the right verdict.
std::string check(test::Executor& core, const Case& c, std::uint32_t peers) {
    Bytes frame = c.frame;
    for (std::uint32_t n = 0; n < peers; ++n) {
        vary_inbound(frame, n);
        const std::string wrong = difference(c, core.run(Direction::inbound, frame));
        if (!wrong.empty()) return fmt::format("packet {}: {}", n, wrong);
    }
    return "";
}

void judge(benchmark::State& state, const Case& c, std::uint32_t peers) {
    auto core = make_core();
    if (!core) return refuse(state, core.error().message);
    if (c.needs_flow) open_flows(**core, peers);
    if (const std::string wrong = check(**core, c, peers); !wrong.empty()) return refuse(state, wrong);
    Bytes frame = c.frame;
    std::uint64_t i = 0;
    for (auto _ : state) {
        vary_inbound(frame, scattered(++i, peers));
        benchmark::DoNotOptimize((*core)->run(Direction::inbound, frame));
    }
}

// A new peer with every packet: each opens a flow, and evicts one when the table is full.
void judge_new_flows(benchmark::State& state, const Case& c) {
    auto core = make_core();
    if (!core) return refuse(state, core.error().message);
    if (const std::string wrong = check(**core, c, 1024); !wrong.empty()) return refuse(state, wrong);
    Bytes frame = c.frame;
    std::uint32_t n = 1024;
    for (auto _ : state) {
        vary_inbound(frame, n++);
        benchmark::DoNotOptimize((*core)->run(Direction::inbound, frame));
    }
}

void outbound_open(benchmark::State& state) {
    auto core = make_core();
    if (!core) return refuse(state, core.error().message);
    Bytes frame = opening_frame();
    if ((*core)->run(Direction::outbound, frame).verdict != DW_ACCEPT)
        return refuse(state, "the outbound packet is not accepted");
    std::uint32_t n = 1;
    for (auto _ : state) {
        vary_outbound(frame, n++);
        benchmark::DoNotOptimize((*core)->run(Direction::outbound, frame));
    }
}

}  // namespace

void register_native_benches(bool quick) {
    const auto add = [quick](const std::string& name, const auto& function) {
        auto* bench = benchmark::RegisterBenchmark(name.c_str(), function);
        if (quick) bench->Iterations(1);
    };
    for (const Case& c : inbound_cases()) {
        if (c.reason == DW_REASON_RULE_ACCEPT) {
            add("native/" + c.name + "/new", [c](benchmark::State& state) { judge_new_flows(state, c); });
            continue;
        }
        for (const std::uint32_t peers : {1u, 65536u})
            add(fmt::format("native/{}/{}", c.name, peers),
                [c, peers](benchmark::State& state) { judge(state, c, peers); });
    }
    add("native/outbound_open/new", outbound_open);
}

}  // namespace dishwall::bench
