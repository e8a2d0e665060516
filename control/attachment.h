// SPDX-License-Identifier: BSD-3-Clause
//
// The programs on the uplink. Both are held by pinned bpf_links where the kernel has them, which survive the
// daemon and cannot be removed by accident; a later daemon swaps the program inside the link, so at no moment
// is the uplink without one. Below kernel 6.6 there is no tcx: a clsact filter takes its place on the way out
// (it lives in the device and needs no pin).
//
// libbpf 1.1 has no tcx API, but the kernel's is reached through bpf_link_create with the attach type's
// number.
#pragma once

#include <cstdint>
#include <string>

#include "control/device.h"
#include "control/pin_directory.h"
#include "control/programs.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

enum class EgressHook { tcx, clsact };
enum class EgressChoice { automatic, tcx, clsact };

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
                                                   const Device& device, XdpMode mode, EgressChoice egress);

    [[nodiscard]] const Device& device() const { return device_; }
    [[nodiscard]] bool native() const { return native_; }
    [[nodiscard]] EgressHook egress() const { return egress_; }

private:
    Attachment() = default;
    [[nodiscard]] Result<void> attach_egress(const PinDirectory& pins, int program, EgressChoice choice);
    [[nodiscard]] Result<void> attach_ingress(const PinDirectory& pins, int program, XdpMode mode);

    Device device_;
    bool native_ = true;
    bool adopted_egress_ = false;
    EgressHook egress_ = EgressHook::tcx;
    UniqueFd ingress_link_;
    UniqueFd egress_link_;  // closed with clsact
};

}  // namespace dishwall
