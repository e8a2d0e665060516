// SPDX-License-Identifier: BSD-3-Clause
//
// rtnetlink messages -> facts of the prefix and device trackers, from events and from dumps alike.
#pragma once

#include <linux/netlink.h>

#include "control/line/device_tracker.h"
#include "control/line/netlink_socket.h"
#include "control/line/prefix_tracker.h"

namespace dishwall {

struct LineTrackers {
    PrefixTracker* prefixes;
    DeviceTracker* devices;
};

// The RTNLGRP_* groups that carry what the trackers want to know, but for neighbours (RTNLGRP_NEIGH), which
// are many and only wanted while there are devices to follow.
[[nodiscard]] const std::vector<int>& line_groups();

// Which trackers a message may have changed, so that those are to be settled.
struct Touched {
    bool line = false;
    bool devices = false;
};

// Enters one message, read at `now`. Messages about something else are ignored.
Touched apply_message(const nlmsghdr* message, MonotonicTime now, const LineTrackers& trackers);

// Forgets all facts and asks for them anew; a dump that changes interrupt is taken again.
[[nodiscard]] Result<void> dump_facts(MonotonicTime now, const LineTrackers& trackers);

// Asks for the links only.
[[nodiscard]] Result<std::vector<LinkFact>> dump_links();

}  // namespace dishwall
