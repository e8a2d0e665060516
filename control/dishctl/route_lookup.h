// SPDX-License-Identifier: BSD-3-Clause
//
// Which way a packet of this box would go: the kernel's own answer, in this process's network namespace
// (`ip route get`).
#pragma once

#include <optional>
#include <string>

#include "rules/result.h"

namespace dishwall {

// The index of the interface that packets to this address, IPv4 or IPv6, leave through. Empty: there is no
// route, or one that leads nowhere.
[[nodiscard]] Result<std::optional<unsigned>> interface_towards(const std::string& address);

}  // namespace dishwall
