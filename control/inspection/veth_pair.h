// SPDX-License-Identifier: BSD-3-Clause
//
// The pair of veth devices between the programs and a worker of the inspector (design D8). `ours` is where
// inspected packets leave and come back; the worker polls `theirs`. Neither has an address, so neither says
// anything by itself.
#pragma once

#include <string>

#include "control/device.h"
#include "rules/result.h"

namespace dishwall {

struct VethPair {
    std::string ours, theirs;  // names
};

// Their names for this uplink and worker: "dwi0-eth0" and "dwx0-eth0".
[[nodiscard]] VethPair pair_for(const std::string& uplink, unsigned worker);

// Makes it, or takes over the one that a former daemon left, up and as large as `mtu`. Returns our end.
[[nodiscard]] Result<Device> make_pair(const VethPair& pair, unsigned mtu);
// Harmless when there is none.
[[nodiscard]] Result<void> remove_pair(const VethPair& pair);
[[nodiscard]] Result<unsigned> mtu_of(const Device& device);

}  // namespace dishwall
