// SPDX-License-Identifier: BSD-3-Clause
#include "rules/rate.h"

#include <algorithm>

namespace dishwall {

bool RateModel::over(const Rule& rule, const Ipv6Address& sender, std::uint64_t now_ns) {
    const Rate& rate = *rule.rate;
    const std::uint64_t token = rate.unit_s * 1'000'000'000ull / rate.packets;
    const std::uint64_t most = token * rate.burst;
    const Ipv6Prefix source = Ipv6Prefix::containing(sender, rate.per_source.value_or(0));
    const auto [entry, is_new] = buckets_.try_emplace({rule.name, source}, Bucket{most, now_ns});
    Bucket& bucket = entry->second;
    bucket.credit_ns = std::min(most, bucket.credit_ns + (now_ns - bucket.since_ns));
    bucket.since_ns = now_ns;
    if (bucket.credit_ns < token) return true;
    bucket.credit_ns -= token;
    return false;
}

}  // namespace dishwall
