// SPDX-License-Identifier: BSD-3-Clause
#include "control/routers.h"

#include <atomic>

namespace dishwall {
namespace {

constexpr std::uint64_t kLinkLocal = 0xfe80'0000'0000'0000;

}  // namespace

Result<Routers> Routers::open(const KernelMaps& maps) {
    Result<Mapping> link = Mapping::of(maps.link.get(), sizeof(dw_link), Mapping::Access::write);
    if (!link) return fail_with(link.error(), "link");
    return Routers(std::move(*link));
}

std::vector<LearntRouter> Routers::list(const KernelInstant& now, std::uint32_t hz) const {
    std::vector<LearntRouter> known;
    for (dw_router& router : link_.as<dw_link>()->router) {
        const __u64 id = std::atomic_ref(router.id).load(std::memory_order_relaxed);
        const __u64 until = std::atomic_ref(router.until).load(std::memory_order_relaxed);
        if (id != 0 && until > now.jiffies)
            known.push_back({Ipv6Address{kLinkLocal, id}, (until - now.jiffies) / hz});
    }
    return known;
}

// The core takes a place by its id: freed last, it is never seen with the former router's time.
void Routers::forget() {
    for (dw_router& router : link_.as<dw_link>()->router) {
        std::atomic_ref(router.until).store(0, std::memory_order_relaxed);
        std::atomic_ref(router.id).store(0, std::memory_order_release);
    }
}

}  // namespace dishwall
