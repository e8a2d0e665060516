// SPDX-License-Identifier: BSD-3-Clause
//
// rtnetlink messages -> facts of the prefix tracker, from events and from dumps alike.
#pragma once

#include <linux/netlink.h>

#include "control/line/netlink_socket.h"
#include "control/line/prefix_tracker.h"

namespace dishwall {

// The RTNLGRP_* groups that carry what the tracker wants to know.
[[nodiscard]] const std::vector<int>& line_groups();

// Enters one message, read at `now`, into the tracker. Messages about something else are ignored.
void apply_message(const nlmsghdr* message, MonotonicTime now, PrefixTracker* tracker);

// Forgets all facts and asks for them anew; a dump that changes interrupt is taken again.
[[nodiscard]] Result<void> dump_facts(MonotonicTime now, PrefixTracker* tracker);

// Asks for the links only.
[[nodiscard]] Result<std::vector<LinkFact>> dump_links();

}  // namespace dishwall
