// SPDX-License-Identifier: BSD-3-Clause
//
// Puts a policy in force: fills the image that no packet can see, then swaps the one slot of the outer map
// (design D2). Its ranges are filled in the half of `ranges` that goes with that image. A packet reads that
// slot once, so it is judged by the old policy or by the new one, never by a mixture and never by none.
#pragma once

#include <cstddef>
#include <cstdint>

#include "control/kernel_maps.h"
#include "control/mapping.h"
#include "rules/lower.h"
#include "rules/result.h"

namespace dishwall {

class PolicyInstaller {
public:
    // `maps` must outlive the installer.
    [[nodiscard]] static Result<PolicyInstaller> open(const KernelMaps& maps);

    // Copies image and ranges, numbers them and swaps them in. Returns the generation. When it fails, the
    // policy that was in force still is.
    [[nodiscard]] Result<std::uint32_t> install(const CompiledImage& compiled);
    // Shall every packet that a chain judges be reported, by this policy and those that follow?
    void report_judged(bool wanted);

    // Of the policy in force; 0: there is none.
    [[nodiscard]] std::uint32_t generation() const { return in_force_ ? in_force_->generation : 0; }
    // The image in force; null: there is none.
    [[nodiscard]] const dw_image* in_force() const { return in_force_; }

private:
    struct Image {
        Mapping memory;
        int fd = -1;
    };
    PolicyInstaller(int policy_fd, Image a, Image b, Mapping ranges)
        : policy_fd_(policy_fd), images_{std::move(a), std::move(b)}, ranges_(std::move(ranges)) {}

    [[nodiscard]] Result<void> find_in_force(const KernelMaps& maps);
    void set_reporting(dw_image* header) const;

    int policy_fd_;
    Image images_[2];
    Mapping ranges_;  // a half for each image
    bool report_judged_ = false;
    unsigned spare_ = 0;  // the one that is not in force
    const dw_image* in_force_ = nullptr;
};

}  // namespace dishwall
