// SPDX-License-Identifier: BSD-3-Clause
#include "control/rate_reader.h"

#include <algorithm>

#include "bpf/core/native.h"

namespace dishwall {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000, kMillisecond = 1'000'000;

}  // namespace

RateState state_of(const Rate& rate, std::uint64_t until_ns, std::uint64_t now_ns) {
    const std::uint64_t step = rate.unit_s * kSecond / rate.packets;
    const std::uint64_t depth = step * rate.burst;
    const std::uint64_t ahead = until_ns > now_ns ? std::min(until_ns - now_ns, depth) : 0;
    return {static_cast<std::uint32_t>((depth - ahead) / step), rate.burst,
            (ahead + kMillisecond - 1) / kMillisecond};
}

Result<RateReader> RateReader::open(const KernelMaps& maps, const dw_settings& settings) {
    Result<Mapping> rates = Mapping::of(maps.rates.get(), sizeof(dw_rates), Mapping::Access::read);
    if (!rates) return fail_with(rates.error(), "rates");
    return RateReader(std::move(*rates), settings);
}

RateState RateReader::read(const Rule& rule, std::uint32_t counter, const Ipv6Address& sender,
                           std::uint64_t now_jiffies) const {
    const Rate& rate = *rule.rate;
    dw_rates* rates = rates_.as<dw_rates>();
    const __u64* meter = &rates->by_rule[counter - DW_REASONS_MAX];
    if (rate.per_source) {
        const dw_in6 source{sender.hi, sender.lo};
        meter = dw_native_source_meter(&settings_, rates, counter, &source, *rate.per_source);
    }
    const std::uint64_t until = meter == nullptr ? 0 : __atomic_load_n(meter, __ATOMIC_RELAXED);
    return state_of(rate, until, now_jiffies * (kSecond / settings_.hz));
}

}  // namespace dishwall
