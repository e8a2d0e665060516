// SPDX-License-Identifier: BSD-3-Clause
//
// An engine's event as the daemon reads it: one JSON object a datagram.
#pragma once

#include <string>

#include "dataplane/engine/inspect_event.h"

namespace dishwall {

[[nodiscard]] std::string event_json(const InspectEvent& event);

}  // namespace dishwall
