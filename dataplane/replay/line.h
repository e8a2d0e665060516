// SPDX-License-Identifier: BSD-3-Clause
//
// What a replay must know of the line at each moment: which prefixes and addresses are ours. Whoever replays
// says so, since following a line is the control plane's business (control/dishctl/replay_line.h does it with
// the daemon's own prefix tracker).
#pragma once

#include "dataplane/replay/capture.h"
#include "rules/own.h"
#include "rules/policy.h"

namespace dishwall {

class Line {
public:
    virtual ~Line() = default;

    // Time goes by until this frame, and it shows who we are, before anything judges it. True: own() is
    // another.
    virtual bool before(const CapturedFrame& frame) = 0;
    // It came in and was let through, so the kernel and the DHCPv6 client heard it. True: own() is another.
    virtual bool passed(const CapturedFrame& frame) = 0;

    [[nodiscard]] virtual Direction direction_of(const CapturedFrame& frame) const = 0;
    [[nodiscard]] virtual const Own& own() const = 0;
};

}  // namespace dishwall
