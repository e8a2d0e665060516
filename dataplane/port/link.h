// SPDX-License-Identifier: BSD-3-Clause
//
// What must be known of a network interface before a port is opened on it, and while it is used: a pair that
// was deleted and made again has another index, and the socket on the old one is deaf without saying so.
#pragma once

#include <string>

#include "rules/result.h"

namespace dishwall {

struct Link {
    unsigned index = 0;
    unsigned mtu = 0;
    bool up = false;
};

[[nodiscard]] Result<Link> look_at_link(const std::string& interface);

}  // namespace dishwall
