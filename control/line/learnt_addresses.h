// SPDX-License-Identifier: BSD-3-Clause
//
// Puts what is known of learnt hosts into Own: the addresses of devices (device_tracker.h) and what names
// resolved to, from two sources that know nothing of each other. Says what changed, by the hosts' names.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "control/line/device_tracker.h"
#include "rules/own.h"
#include "rules/policy.h"

namespace dishwall {

class LearntAddresses {
public:
    explicit LearntAddresses(const Policy& policy);

    struct Composed {
        Own own;
        std::size_t no_room = 0;  // addresses that the layout cannot hold
    };
    // `resolved` may have addresses of hosts that the policy does not have; they are left out.
    [[nodiscard]] Composed compose(Own own, const std::vector<LearntAddress>& devices,
                                   const std::vector<LearntAddress>& resolved) const;

    // learnt_added and learnt_removed from one Own to the next.
    [[nodiscard]] std::vector<LineChange> changes(const Own& before, const Own& now) const;

    // The devices of the Hosts reply; `seconds_of` makes seconds since 1970 of a time.
    [[nodiscard]] nlohmann::json devices_json(
        const DeviceTracker& tracker, const std::function<std::int64_t(MonotonicTime)>& seconds_of) const;

private:
    [[nodiscard]] LineChange change(LineChange::Kind kind, const LearntAddress& learnt,
                                    const char* what) const;

    std::vector<LearntHost> hosts_;               // in the order of the rule file
    std::map<std::uint32_t, std::string> names_;  // of hosts_, by id
    std::vector<Network> networks_;
};

}  // namespace dishwall
