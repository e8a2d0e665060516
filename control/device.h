// SPDX-License-Identifier: BSD-3-Clause
//
// The uplink's interface as the kernel knows it at this moment.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "rules/result.h"

namespace dishwall {

using MacAddress = std::array<std::uint8_t, 6>;

struct Device {
    std::string name;
    unsigned index = 0;
};

// Fails with the names there are when there is no such interface.
[[nodiscard]] Result<Device> find_device(const std::string& name);

// All zero for an interface without one (a tunnel).
[[nodiscard]] Result<MacAddress> mac_address_of(const Device& device);

}  // namespace dishwall
