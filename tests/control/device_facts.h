// SPDX-License-Identifier: BSD-3-Clause
//
// Short words for schedules of neighbour events.
#pragma once

#include <string>
#include <vector>

#include "control/line/device_tracker.h"
#include "tests/control/line_facts.h"

namespace dishwall {

constexpr MacAddress kCam{2, 0, 0, 0, 0, 0xca}, kTv{2, 0, 0, 0, 0, 0xb0}, kOther{2, 0, 0, 0, 0, 0xff};
constexpr std::uint32_t kCamId = 0xca, kTvId = 0xb0, kGuestCamId = 0x6ca;
constexpr unsigned kGuest = 4;

// network lan = dish.pd subnet 1 on br; network guest = dish.pd subnet 2 on guest
// host cam = lan mac ca; host tv = lan mac b0; host guestcam = guest mac ca
inline Policy policy_of_devices() {
    Policy policy;
    policy.uplink = uplink_with({pd()});
    policy.networks = {{"lan", 0, 1, "br", {}}, {"guest", 0, 2, "guest", {}}};
    policy.learnt = {{"cam", kCamId, DeviceHost{0, kCam}, {}},
                     {"tv", kTvId, DeviceHost{0, kTv}, {}},
                     {"guestcam", kGuestCamId, DeviceHost{1, kCam}, {}}};
    return policy;
}

inline LinkFact lan_link(bool up = true) { return {kLan, "br", up, up, {}}; }
inline LinkFact guest_link() { return {kGuest, "guest", true, true, {}}; }

// 2001:db8:11NN::/56 of dish.pd
inline Own own_with(const std::vector<std::string>& prefixes) {
    Own own;
    for (const std::string& prefix : prefixes) own.prefixes.push_back({pfx(prefix), 0});
    return own;
}

inline NeighbourFact neighbour(const std::string& address, NeighbourFact::State state,
                               std::optional<MacAddress> mac = kCam, unsigned link = kLan) {
    return {link, addr(address), mac, state};
}

inline std::string name_of(std::uint32_t host) {
    return host == kCamId ? "cam" : host == kTvId ? "tv" : host == kGuestCamId ? "guestcam" : "?";
}

// "cam 2001:db8:1100:1::5, tv 2001:db8:1100:1::6"
inline std::string learnt_by(const DeviceTracker& tracker) {
    std::string all;
    for (const LearntAddress& learnt : tracker.learnt())
        all += (all.empty() ? "" : ", ") + name_of(learnt.host) + " " + to_string(learnt.address);
    return all;
}

}  // namespace dishwall
