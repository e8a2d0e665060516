// SPDX-License-Identifier: BSD-3-Clause
//
// The programs on the uplink. Both are held by pinned bpf_links where the kernel has them, which survive the
// daemon and cannot be removed by accident; a later daemon swaps the program inside the link, so at no moment
// is the uplink without one.
#pragma once

#include <cstdint>
#include <string>

#include "control/device.h"
#include "control/pin_directory.h"
#include "control/programs.h"
#include "control/tc_hook.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

// Fails when a program that is not ours is on the device (R35). Nothing is touched.
[[nodiscard]] Result<void> check_no_foreign_program(const PinDirectory& pins, const Device& device);

// Is a pinned ingress link of ours, alive, on this device?
[[nodiscard]] Result<bool> is_armed(const PinDirectory& pins, const Device& device);

// Takes our programs off wherever their pinned links hold them, the filter off `device` if there is one, and
// removes the pins: from here on everything passes.
[[nodiscard]] Result<void> detach(const PinDirectory& pins, const Device* device);

class Attachment {
public:
    // Egress first, then ingress: nobody inside can send before replies are tracked, and ingress closes the
    // door last because its program drops what egress has not opened. Adopts pinned links when they are on
    // this device. Fails, with nothing changed, when another XDP program is there (R35).
    [[nodiscard]] static Result<Attachment> attach(const PinDirectory& pins, const Programs& programs,
                                                   const Device& device, XdpMode mode, TcChoice egress);

    [[nodiscard]] const Device& device() const { return device_; }
    [[nodiscard]] bool native() const { return native_; }
    [[nodiscard]] TcKind egress() const { return egress_.kind; }

private:
    Attachment() = default;
    [[nodiscard]] Result<void> attach_ingress(const PinDirectory& pins, int program, XdpMode mode);

    Device device_;
    bool native_ = true;
    TcHook egress_;
    UniqueFd ingress_link_;
};

}  // namespace dishwall
