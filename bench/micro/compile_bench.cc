// SPDX-License-Identifier: BSD-3-Clause
//
// The control plane's own work: text to policy, policy to image, and the table that a renumbering stores. The
// last one is on R29's path (a new prefix is live within 1 ms, whatever the number of rules).
#include <fmt/format.h>

#include "bench/micro/cases.h"
#include "bench/micro/verdicts.h"
#include "bench/published.h"

namespace dishwall::bench {
namespace {

void read_rules(benchmark::State& state, std::int64_t rules) {
    const std::string text = rule_file(published_services(static_cast<unsigned>(rules)), 131072);
    if (const auto once = policy_of(text); !once) return refuse(state, once.error().message);
    for (auto _ : state) benchmark::DoNotOptimize(policy_of(text));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void lower_policy(benchmark::State& state, std::int64_t rules) {
    const auto policy = policy_of(rule_file(published_services(static_cast<unsigned>(rules)), 131072));
    if (!policy) return refuse(state, policy.error().message);
    const auto once = image_of(*policy);
    if (!once) return refuse(state, once.error().message);
    for (auto _ : state) benchmark::DoNotOptimize(image_of(*policy));
    state.counters["image_bytes"] = static_cast<double>(once->image.size());
}

void encode_own(benchmark::State& state, std::int64_t addresses) {
    Own own = own_of_the_gateway();
    for (std::int64_t n = 0; n < addresses; ++n)
        own.self.push_back({kLan, static_cast<std::uint64_t>(n) + 1});
    const auto out = std::make_unique<dw_own>();
    if (const auto once = encode(own, out.get()); !once) return refuse(state, once.error().message);
    for (auto _ : state) {
        benchmark::DoNotOptimize(encode(own, out.get()));
        benchmark::ClobberMemory();
    }
}

}  // namespace

void register_compile_benches(bool quick) {
    const auto add = [quick](const char* name, auto function, std::int64_t size, benchmark::TimeUnit unit) {
        auto* bench = benchmark::RegisterBenchmark(fmt::format("{}/{}", name, size).c_str(),
                                                   [=](benchmark::State& state) { function(state, size); });
        bench->Unit(unit);
        if (quick) bench->Iterations(1);
    };
    for (const std::int64_t rules : {100, 1000, 10000}) {
        add("compile/text_to_policy", read_rules, rules, benchmark::kMillisecond);
        add("compile/policy_to_image", lower_policy, rules, benchmark::kMillisecond);
    }
    for (const std::int64_t addresses : {4, 64})
        add("compile/encode_own", encode_own, addresses, benchmark::kNanosecond);
}

}  // namespace dishwall::bench
