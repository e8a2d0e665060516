// SPDX-License-Identifier: BSD-3-Clause
//
// Flow times are jiffies, because reading them costs a packet nothing (measurements.md). User space cannot
// see jiffies, nor what one is worth, so a tiny program reads them for us next to CLOCK_MONOTONIC.
#pragma once

#include <cstdint>

#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

struct KernelInstant {
    std::uint64_t jiffies = 0;
    std::uint64_t monotonic_ns = 0;
};

// The kernel's HZ (100, 250, 300 or 1000) that fits best to what two readings say.
[[nodiscard]] std::uint32_t nearest_hz(const KernelInstant& earlier, const KernelInstant& later);

class KernelClock {
public:
    [[nodiscard]] static Result<KernelClock> load();

    [[nodiscard]] Result<KernelInstant> now() const;
    // Takes about 60 ms.
    [[nodiscard]] Result<std::uint32_t> measure_hz() const;

private:
    explicit KernelClock(UniqueFd program) : program_(std::move(program)) {}
    UniqueFd program_;
};

}  // namespace dishwall
