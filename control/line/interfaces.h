// SPDX-License-Identifier: BSD-3-Clause
//
// Which interfaces there are, asked of netlink: /sys/class/net may show another namespace's (design,
// "Facts").
#pragma once

#include <string>
#include <vector>

#include "rules/result.h"

namespace dishwall {

struct Interface {
    unsigned index = 0;
    std::string name;
    bool up = false;  // administratively up and with carrier
};

[[nodiscard]] Result<std::vector<Interface>> list_interfaces();

// Fails with the names there are: "no interface eth9 (there are: eth0, br-lan)".
[[nodiscard]] Result<unsigned> interface_index(const std::string& name);

}  // namespace dishwall
