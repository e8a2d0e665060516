// SPDX-License-Identifier: BSD-3-Clause
//
// What a new daemon must know of the old one's devices, as JSON. A sleeping camera's address has no entry in
// the kernel's neighbour table after a restart of the machine, and it would not be reachable until it spoke
// by itself. The saved address counts at once, and is asked for like any that the kernel forgot.
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/line/device_tracker.h"

namespace dishwall {
namespace {

constexpr int kFormat = 1;

std::string text_of(const MacAddress& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

}  // namespace

nlohmann::json DeviceTracker::to_json(MonotonicTime now, UnixTime unix_now) const {
    nlohmann::json addresses = nlohmann::json::array();
    for (const auto& [key, entry] : table_)
        addresses.push_back({{"interface", interfaces_[key.interface].name},
                             {"mac", text_of(entry.mac)},
                             {"address", to_string(key.address)},
                             {"since_ns", (unix_now - (now - entry.since)).count()}});
    return {{"format", kFormat}, {"addresses", addresses}};
}

void DeviceTracker::restore(const nlohmann::json& saved, MonotonicTime now, UnixTime unix_now) {
    const std::string interface = saved.at("interface");
    const std::string mac = saved.at("mac");
    const std::optional<Ipv6Address> address = parse_ipv6(saved.at("address").get<std::string>());
    const auto device = std::ranges::find_if(devices_, [&](const auto& item) {
        return interfaces_[item.first.interface].name == interface && text_of(item.first.mac) == mac;
    });
    if (!address || device == devices_.end() || table_.contains({device->first.interface, *address})) return;
    const auto entry = insert({device->first.interface, *address}, device->first.mac, now);
    const std::chrono::nanoseconds age = unix_now - UnixTime{saved.at("since_ns").get<std::int64_t>()};
    entry->second.since = now - std::max(age, std::chrono::nanoseconds{0});
    set_due(&entry->second, now);
}

Result<void> DeviceTracker::from_json(const nlohmann::json& saved, MonotonicTime now, UnixTime unix_now) try {
    if (saved.is_null()) return {};
    if (saved.at("format") != kFormat) return fail("format {} is not known here", saved.at("format").dump());
    for (const nlohmann::json& address : saved.at("addresses")) restore(address, now, unix_now);
    unsaved_ = false;
    return {};
} catch (const nlohmann::json::exception& error) {
    table_.clear();
    count_.clear();
    return fail("not a saved table of devices: {}", error.what());
}

}  // namespace dishwall
