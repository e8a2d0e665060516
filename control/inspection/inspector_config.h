// SPDX-License-Identifier: BSD-3-Clause
//
// The file that tells dishwall-inspect where its packets come from and what to look for. It is replaced by a
// rename after each load; the inspector watches it, so nobody has to be asked whether the other one is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/device.h"
#include "control/inspection/veth_pair.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct InspectionPaths {
    std::string run_dir, state_dir, pin_dir;
    [[nodiscard]] std::string config() const { return run_dir + "/inspect.json"; }
    [[nodiscard]] std::string events() const { return run_dir + "/inspect.events"; }
    [[nodiscard]] std::string cache() const { return state_dir + "/signatures"; }
};

// Of one worker.
struct InspectorPort {
    VethPair pair;
    MacAddress mac{};  // of our end
};

struct InspectorUplink {
    std::string interface;
    MacAddress mac{};
    std::uint64_t armed_at = 0;  // dw_control.armed_at: which maps the pins were when this was written
};

// One document of JSON. `uplink`: empty when there is none yet; `ports` by number of their workers. Signature
// files are UTF-8 since they were read (rules/signatures.h): a pattern must not silently become another one.
[[nodiscard]] std::string inspector_config(const Policy& policy, std::uint32_t generation,
                                           const InspectionPaths& paths,
                                           const std::optional<InspectorUplink>& uplink,
                                           const std::vector<InspectorPort>& ports);

}  // namespace dishwall
