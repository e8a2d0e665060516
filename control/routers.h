// SPDX-License-Identifier: BSD-3-Clause
//
// The routers on the dish segment whose advertisements are believed (R21, R37). The packet core learns them
// and forgets them with their lifetimes; here they are shown, and forgotten when the link they were learnt
// on is no more: behind a new device, or after the interface was taken down, another router may be right.
#pragma once

#include <cstdint>
#include <vector>

#include "control/kernel_clock.h"
#include "control/kernel_maps.h"
#include "control/mapping.h"
#include "rules/ipv6.h"
#include "rules/result.h"

namespace dishwall {

struct LearntRouter {
    Ipv6Address address;  // link-local
    std::uint64_t expires_in_s = 0;
};

class Routers {
public:
    [[nodiscard]] static Result<Routers> open(const KernelMaps& maps);

    // Those that are believed at this moment. `hz`: jiffies a second.
    [[nodiscard]] std::vector<LearntRouter> list(const KernelInstant& now, std::uint32_t hz) const;
    void forget();

private:
    explicit Routers(Mapping link) : link_(std::move(link)) {}
    Mapping link_;
};

}  // namespace dishwall
