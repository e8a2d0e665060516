// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace dishwall {

// What must be known of a network interface before a port is opened on it, and while it is used: a pair that
// was deleted and made again has another index, and the socket on the old one is deaf without saying so.
struct Link {
    std::string name;
    unsigned index = 0;
    unsigned mtu = 0;  // bytes
    bool up = false;
};

}  // namespace dishwall
