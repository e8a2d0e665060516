// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/learnt_addresses.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace dishwall {

LearntAddresses::LearntAddresses(const Policy& policy) : hosts_(policy.learnt), networks_(policy.networks) {
    for (const LearntHost& host : hosts_) names_[host.id] = host.name;
}

LearntAddresses::Composed LearntAddresses::compose(Own own, const std::vector<LearntAddress>& devices,
                                                   const std::vector<LearntAddress>& resolved) const {
    own.learnt = devices;
    std::ranges::copy_if(resolved, std::back_inserter(own.learnt),
                         [this](const LearntAddress& learnt) { return names_.contains(learnt.host); });
    const std::size_t no_room = tidy(&own.learnt);
    return {std::move(own), no_room};
}

std::vector<LineChange> LearntAddresses::changes(const Own& before, const Own& now) const {
    std::vector<LearntAddress> came, went;
    std::ranges::set_difference(now.learnt, before.learnt, std::back_inserter(came));
    std::ranges::set_difference(before.learnt, now.learnt, std::back_inserter(went));
    std::vector<LineChange> all;
    for (const LearntAddress& learnt : came)
        all.push_back(change(LineChange::Kind::learnt_added, learnt, "is learnt"));
    for (const LearntAddress& learnt : went)
        all.push_back(change(LineChange::Kind::learnt_removed, learnt, "is gone"));
    return all;
}

LineChange LearntAddresses::change(LineChange::Kind kind, const LearntAddress& learnt,
                                   const char* what) const {
    const auto known = names_.find(learnt.host);
    const std::string name = known == names_.end() ? "a former host" : known->second;
    return {kind, name, LivePrefix{.prefix = Ipv6Prefix::containing(learnt.address, 128)},
            fmt::format("{}: address {} {}", name, to_string(learnt.address), what)};
}

nlohmann::json LearntAddresses::devices_json(
    const DeviceTracker& tracker, const std::function<std::int64_t(MonotonicTime)>& seconds_of) const {
    nlohmann::json all = nlohmann::json::array();
    for (const LearntHost& host : hosts_) {
        const auto* device = std::get_if<DeviceHost>(&host.what);
        if (!device) continue;
        nlohmann::json addresses = nlohmann::json::array();
        for (const DeviceAddress& used : tracker.addresses_of(host.id))
            addresses.push_back({{"address", to_string(used.address)},
                                 {"state", used.state},
                                 {"since", seconds_of(used.since)}});
        all.push_back({{"name", host.name},
                       {"kind", "device"},
                       {"mac", fmt::format("{:02x}", fmt::join(device->mac, ":"))},
                       {"network", networks_[device->network].name},
                       {"addresses", std::move(addresses)}});
    }
    return all;
}

}  // namespace dishwall
