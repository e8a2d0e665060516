// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/ban_list.h"

#include <algorithm>
#include <atomic>

namespace dishwall {
namespace {

using Shared = std::atomic_ref<__u64>;

bool renew(dw_ban* line, std::uint64_t network, std::uint64_t until_ns) {
    for (unsigned way = 0; way < DW_BAN_WAYS; ++way) {
        if (Shared(line[way].network).load() != network) continue;
        Shared until(line[way].until_ns);
        __u64 was = until.load();
        while (was < until_ns && !until.compare_exchange_weak(was, until_ns)) {
        }
        return true;
    }
    return false;
}

// A reader that meets the new network with the old time sees a ban that is over, for a moment.
bool enter(dw_ban* line, std::uint64_t network, std::uint64_t until_ns) {
    dw_ban* const way = std::min_element(line, line + DW_BAN_WAYS, [](dw_ban& a, dw_ban& b) {
        return Shared(a.until_ns).load() < Shared(b.until_ns).load();
    });
    __u64 was = Shared(way->network).load();
    if (!Shared(way->network).compare_exchange_strong(was, network)) return false;
    Shared(way->until_ns).store(until_ns);
    return true;
}

}  // namespace

bool ban(dw_inspection* inspection, const dw_in6& source, std::uint64_t now_ns, std::uint64_t until_ns) {
    if (source.hi == 0 || until_ns <= now_ns) return false;
    dw_ban* const line = inspection->ban[dw_ban_line(source.hi)];
    constexpr int kTries = 2 * DW_WORKERS;  // another worker was faster
    for (int attempt = 0; attempt < kTries; ++attempt) {
        if (!renew(line, source.hi, until_ns) && !enter(line, source.hi, until_ns)) continue;
        std::atomic_ref<__u32>(inspection->bans).fetch_add(1);
        return true;
    }
    return false;
}

}  // namespace dishwall
