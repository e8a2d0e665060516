// SPDX-License-Identifier: BSD-3-Clause
//
// How long to wait before something that failed is tried again: twice as long each time, up to a bound, and
// a quarter more or less, so that what failed together (a server that was down) does not come back together.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace dishwall {

class BackOff {
public:
    BackOff(std::chrono::seconds first, std::chrono::seconds longest, std::uint32_t seed)
        : first_(first), longest_(longest), random_(seed) {}

    // After this many failures in a row, at least one.
    [[nodiscard]] std::chrono::nanoseconds after(unsigned failures) {
        constexpr unsigned kMostDoublings = 20;
        const auto doubled = first_ * (1 << std::min(failures - 1, kMostDoublings));
        const std::chrono::nanoseconds delay = std::min(doubled, longest_);
        return delay * std::uniform_int_distribution<int>(750, 1250)(random_) / 1000;
    }

private:
    std::chrono::seconds first_, longest_;
    std::mt19937 random_;
};

}  // namespace dishwall
