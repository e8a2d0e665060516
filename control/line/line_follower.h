// SPDX-License-Identifier: BSD-3-Clause
//
// Follows one uplink and the devices behind it over netlink, on the daemon's sd_event loop, and hands out a
// complete `Own` each time it changed. A new prefix must be in force within a millisecond (R29), so whatever
// is readable is read, applied and reported at once; only what would come sooner than kSpacing after the
// report before waits for a timer, since the packet core wants two writes of dw_own apart
// (bpf/core/layout.h).
#pragma once

#include <systemd/sd-event.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/line/device_tracker.h"
#include "control/line/prefix_tracker.h"
#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct LineUpdate {
    Own own;  // complete; never equal to the one before
    std::vector<LineChange> changes;
    std::uint64_t received_ns = 0;  // CLOCK_MONOTONIC: the first netlink message of this update was read, or
                                    // its timer was due
};

struct UplinkState {
    unsigned index = 0;    // 0: there is no such interface now. Another index: deleted and made again
    bool up = false;       // administratively up and with carrier
    bool enabled = false;  // administratively up

    bool operator==(const UplinkState&) const = default;
};

// Called from the loop, or from within what says so, never from within `start` or `follow`.
struct LineCallbacks {
    std::function<void(const LineUpdate&)> own_changed;
    std::function<void(const UplinkState&)> uplink_changed;
    std::function<void(const std::string&)>
        warn;  // went wrong but goes on: a resync, an unwritable state file
};

class LineFollower {
public:
    static constexpr std::chrono::milliseconds kSpacing{
        2};  // own_changed is not called sooner than that again, unless asked
    // ... and not for new addresses of learnt hosts alone: a device can make any number of them.
    static constexpr std::chrono::milliseconds kLearntSpacing{20};

    // `loop` is referenced. `state_dir` keeps prefixes.json and devices.json; empty: nothing is kept.
    // `probe_interval`: how often an address of a device is asked for.
    LineFollower(sd_event* loop, const std::filesystem::path& state_dir, LineCallbacks callbacks,
                 std::chrono::nanoseconds probe_interval = DeviceTracker::kProbeInterval);
    ~LineFollower();
    LineFollower(const LineFollower&) = delete;
    LineFollower& operator=(const LineFollower&) = delete;

    // Opens netlink, reads what was saved, takes a complete dump (synchronous) and returns what is ours now.
    // That the interface does not exist is no error here: see uplink().
    [[nodiscard]] Result<Own> start(const Policy& policy);
    // The same after a load, with another policy: prefix states are carried over by source name, addresses of
    // devices by interface and MAC. Nothing has changed when it fails, and the old policy can be followed
    // again with another call.
    [[nodiscard]] Result<Own> follow(const Policy& policy);

    // What the names of the policy (DomainHost) resolve to now: all of them, each time.
    void set_resolved(std::vector<LearntAddress> addresses);
    // `dishctl prefix set` and `withdraw`: PrefixTracker::set_told and withdraw_told. In force, or handed to
    // own_changed, when they return.
    [[nodiscard]] Result<void> tell_prefix(const std::string& source, const Ipv6Prefix& prefix,
                                           std::chrono::seconds valid, std::chrono::seconds preferred);
    [[nodiscard]] Result<void> withdraw_prefix(const std::string& source,
                                               const std::optional<Ipv6Prefix>& prefix);

    [[nodiscard]] const Own& own() const;
    [[nodiscard]] UplinkState uplink() const;
    // Reports (own_changed) what is held back for coalescing, so that an answer and what is in force are the
    // same.
    void report_now();
    // The `prefixes` array of the Prefix reply.
    [[nodiscard]] nlohmann::json prefixes_json() const;
    // The `self` array of the Prefix reply.
    [[nodiscard]] nlohmann::json self_json() const;
    // The devices of the Hosts reply: [{"name", "kind": "device", "mac", "network", "addresses": [{"address",
    // "state": "confirmed|stale|probing|saved", "since": seconds since 1970}]}].
    [[nodiscard]] nlohmann::json devices_json() const;
    // The `line` object of Status (carrier.h).
    [[nodiscard]] nlohmann::json line_json() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dishwall
