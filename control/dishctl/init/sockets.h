// SPDX-License-Identifier: BSD-3-Clause
//
// Who waits for packets on this machine: /proc/net, which shows the network namespace of its reader, and the
// open files of the processes, which show whose socket it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/dishctl/init/machine_view.h"

namespace dishwall {

// Those that IPv6 packets from elsewhere can come to. Sorted by protocol and port.
[[nodiscard]] std::vector<SeenListener> read_listeners(std::vector<std::string>* troubles);

// One line of /proc/net/tcp6 or udp6; empty when it is no waiting socket. `inode` is the socket's number.
[[nodiscard]] std::optional<SeenListener> listener_in(std::string_view line, std::uint8_t proto,
                                                      std::string* inode);

}  // namespace dishwall
