// SPDX-License-Identifier: BSD-3-Clause
//
// Over which TCP connection does the caller of `load` sit in front of this machine? sshd holds it, and sshd
// is an ancestor of the caller's shell: so its sockets are those of the caller's ancestors, and what they are
// connected to is in the kernel's table of this network namespace.
//
// Both sides look: the daemon at the pid that SO_PEERCRED tells, and dishctl at its own ancestors, since the
// daemon of the systemd unit has not the right (CAP_SYS_PTRACE) to see what another's process holds. A caller
// who lies about it only gives away his own safety.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/ipv6.h"

namespace dishwall {

using SocketInode = std::uint64_t;

// The sockets that this process and its ancestors hold, as far as they may be seen.
[[nodiscard]] std::vector<SocketInode> sockets_of_ancestors(pid_t pid);

struct TcpConnection {
    Ipv6Address peer, local;
    std::uint16_t peer_port = 0, local_port = 0;
    SocketInode socket = 0;

    bool operator==(const TcpConnection&) const = default;
};

// Those of the sockets that are connections which somebody else opened to this machine, over IPv6, in this
// thread's network namespace. What was opened from here is not in danger: a load spares it (R28).
[[nodiscard]] std::vector<TcpConnection> accepted_connections(const std::vector<SocketInode>& sockets);
// The same of a text in the form of /proc/net/tcp6.
[[nodiscard]] std::vector<TcpConnection> accepted_connections(std::string_view tcp6,
                                                              const std::vector<SocketInode>& sockets);

}  // namespace dishwall
