// SPDX-License-Identifier: BSD-3-Clause
//
// Entries of the kernel's neighbour table as rtnetlink tells them, and the request to ask for one.
#pragma once

#include <linux/netlink.h>

#include "control/line/device_tracker.h"
#include "control/line/netlink_socket.h"
#include "rules/result.h"

namespace dishwall {

// Enters RTM_NEWNEIGH or RTM_DELNEIGH. False: it was about something else (IPv4, a bridge's ports, a link
// without devices of ours) and nothing was done.
bool apply_neighbour(const nlmsghdr* message, MonotonicTime now, DeviceTracker* devices);

// Starts the kernel's unreachability detection for a neighbour, whether it has an entry or not. A refusal
// comes back as NLMSG_ERROR on that socket.
[[nodiscard]] Result<void> send_probe(const Probe& probe, NetlinkSocket* socket);

}  // namespace dishwall
