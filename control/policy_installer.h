// SPDX-License-Identifier: BSD-3-Clause
//
// Puts a policy in force: fills the image that no packet can see, then swaps the one slot of the outer map
// (design D2). A packet reads that slot once, so it is judged by the old policy or by the new one, never by
// a mixture and never by none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "control/kernel_maps.h"
#include "control/mapping.h"
#include "rules/result.h"

namespace dishwall {

class PolicyInstaller {
public:
    // `maps` must outlive the installer.
    [[nodiscard]] static Result<PolicyInstaller> open(const KernelMaps& maps);

    // Copies `image`, numbers it and swaps it in. Returns its generation. When it fails, the policy that was
    // in force still is.
    [[nodiscard]] Result<std::uint32_t> install(std::span<const std::byte> image);

    // Of the policy in force; 0: there is none.
    [[nodiscard]] std::uint32_t generation() const { return in_force_ ? in_force_->generation : 0; }
    // The image in force; null: there is none.
    [[nodiscard]] const dw_image* in_force() const { return in_force_; }

private:
    struct Image {
        Mapping memory;
        int fd = -1;
    };
    PolicyInstaller(int policy_fd, Image a, Image b)
        : policy_fd_(policy_fd), images_{std::move(a), std::move(b)} {}

    [[nodiscard]] Result<void> find_in_force(const KernelMaps& maps);

    int policy_fd_;
    Image images_[2];
    unsigned spare_ = 0;  // the one that is not in force
    const dw_image* in_force_ = nullptr;
};

}  // namespace dishwall
