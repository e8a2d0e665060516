// SPDX-License-Identifier: BSD-3-Clause
//
// Puts a policy in force: fills the bank that no packet can see, then swaps the one slot that says which bank
// is in force (design D2). A packet reads that slot once and finds everything else through it, so it is judged
// by the old policy or by the new one, never by a mixture and never by none.
//
// Memory follows the policy: a bank grows when its image needs more chunks, and after a swap neither bank keeps
// more than the policy in force has. The other one keeps that many, so that the same rules with another feed,
// or the way back, need no new memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "control/image_bank.h"
#include "control/kernel_maps.h"
#include "rules/lower.h"
#include "rules/result.h"

namespace dishwall {

class PolicyInstaller {
public:
    // Of new maps: nothing is in force. `maps` must outlive the installer.
    [[nodiscard]] static Result<PolicyInstaller> open(const KernelMaps& maps);
    // Of pinned ones. `pins` must outlive it, too.
    [[nodiscard]] static Result<PolicyInstaller> adopt(const KernelMaps& maps, ImageBanks banks,
                                                       const PinDirectory& pins);

    // Copies the image, numbers it and swaps it in. Returns the generation. When it fails, the policy that was
    // in force still is.
    [[nodiscard]] Result<std::uint32_t> install(const CompiledImage& compiled);
    // Shall every packet that a chain judges be reported, by this policy and those that follow?
    void report_judged(bool wanted);
    // Pins the banks now and whenever they change from here on. `pins` must outlive the installer.
    [[nodiscard]] Result<void> keep_pinned(const PinDirectory& pins);

    // Of the policy in force; 0: there is none.
    [[nodiscard]] std::uint32_t generation() const { return in_force_ ? in_force_->generation : 0; }
    // The header of the image in force; null: there is none.
    [[nodiscard]] const dw_image* in_force() const { return in_force_; }
    // In both banks.
    [[nodiscard]] std::size_t chunks() const { return banks_[0].chunks() + banks_[1].chunks(); }

private:
    PolicyInstaller(int policy_fd, ImageBanks banks) : policy_fd_(policy_fd), banks_(std::move(banks)) {}

    [[nodiscard]] Result<void> make_room(std::size_t chunks);
    [[nodiscard]] Result<void> switch_to(const ImageBank& bank, std::size_t chunks) const;
    [[nodiscard]] Result<void> give_back(ImageBank* bank, std::size_t beyond) const;
    void give_back_what_is_spare();
    void set_reporting(dw_image* header) const;

    int policy_fd_;
    ImageBanks banks_;
    const PinDirectory* pins_ = nullptr;
    bool report_judged_ = false;
    unsigned spare_ = 0;  // the one that is not in force
    dw_image* in_force_ = nullptr;
};

}  // namespace dishwall
