// SPDX-License-Identifier: BSD-3-Clause
//
// The control protocol's methods (org.dishwall.*): each turns one call into a question to the daemon and the
// answer into JSON. Everybody who can open the socket may ask; only root and the daemon's own user may change
// what is in force.
#pragma once

#include <functional>

#include "control/daemon.h"
#include "control/ipc/server.h"

namespace dishwall {

inline constexpr char kVersion[] = DISHWALL_VERSION;

// `leave` is called after a successful Unload: there is nothing left to look after. All are referenced.
void add_methods(IpcServer* server, Daemon* daemon, std::function<void()> leave);

// What feeds the Monitor stream of this server.
[[nodiscard]] DaemonObservers monitor_of(IpcServer* server);

}  // namespace dishwall
