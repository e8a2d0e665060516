// SPDX-License-Identifier: BSD-3-Clause
//
// A program on one of a device's tc hooks: through tcx, held by a pinned link, or below kernel 6.6, where there is
// none, as a clsact filter (it lives in the device and needs no pin). The filter's handle and priority are fixed, so
// that a later daemon finds it and replaces the program in place. Priority 1: nobody's filter decides before it.
//
// libbpf 1.1 has no tcx API, but the kernel's is reached through bpf_link_create with the attach type's number.
#pragma once

#include <string>

#include "control/device.h"
#include "control/pin_directory.h"
#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

enum class TcKind { tcx, clsact };
enum class TcChoice { automatic, tcx, clsact };

struct TcPoint {
    enum class Direction { ingress, egress };
    Direction direction = Direction::egress;
    std::string pin;  // of the link
};

struct TcHook {
    TcKind kind = TcKind::tcx;
    UniqueFd link;         // closed with clsact
    bool adopted = false;  // the link of a former daemon
};

[[nodiscard]] Result<TcHook> attach_tc(const PinDirectory& pins, const TcPoint& point, const Device& device,
                                       int program_fd, TcChoice choice);
// Takes the program off wherever its pinned link holds it, and the filter off `device`, if there is one. The clsact
// qdisc stays: others may use it, and empty it does nothing.
[[nodiscard]] Result<void> detach_tc(const PinDirectory& pins, const TcPoint& point, const Device* device);

}  // namespace dishwall
