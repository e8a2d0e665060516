// SPDX-License-Identifier: BSD-3-Clause
//
// A tracker, a clock that the test turns, and short words for what happens on the line.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/line/prefix_tracker.h"
#include "tests/control/line_facts.h"

namespace dishwall {

class PrefixTrackerTest : public testing::Test {
protected:
    void begin(std::vector<PrefixSource> sources, unsigned grace_s = 300) {
        uplink_ = uplink_with(std::move(sources), grace_s);
        tracker_.emplace(uplink_);
        tracker_->set_link(wan(true));
        tracker_->set_link({kLan, "br", true});
        (void)settle();
    }
    void route(const std::string& prefix) { tracker_->set_route({pfx(prefix)}); }
    void no_route(const std::string& prefix) { tracker_->remove_route({pfx(prefix)}); }
    std::string settle() { return texts_of(tracker_->settle(now_)); }
    std::string after(seconds time) {
        now_ += time;
        return settle();
    }
    std::string now() const { return prefixes_of(*tracker_); }
    std::string tell(const std::string& prefix, seconds valid, seconds preferred) {
        const auto done = tracker_->set_told("dish.pd", pfx(prefix), now_ + valid, now_ + preferred);
        return done ? "" : done.error().message;
    }
    std::string untell(const std::optional<Ipv6Prefix>& prefix = {}) {
        const auto done = tracker_->withdraw_told("dish.pd", prefix);
        return done ? "" : done.error().message;
    }
    void lan_address(const std::string& text, std::optional<seconds> valid) {
        AddressFact fact = address_on(kLan, text);
        if (valid) fact.preferred_until = fact.valid_until = now_ + *valid;
        tracker_->set_address(fact);
    }
    Instant instant() const { return {now_, wall_ + now_ + wall_jump_, boot_}; }
    // The new tracker knows no facts yet.
    void restart(std::optional<Uplink> other = {}, const std::string& boot = "this boot") {
        const nlohmann::json saved = nlohmann::json::parse(tracker_->to_json(instant()).dump());
        tracker_.emplace(other.value_or(uplink_));
        now_ += daemon_down_;
        boot_ = boot;
        const Result<void> restored = tracker_->from_json(saved, instant());
        ASSERT_TRUE(restored) << restored.error().message;
    }
    void tell_links() {
        tracker_->set_link(wan(true));
        tracker_->set_link({kLan, "br", true});
    }

    Uplink uplink_;
    std::optional<PrefixTracker> tracker_;
    MonotonicTime now_{seconds(1000)};
    const UnixTime wall_{seconds(1'800'000'000)};
    seconds daemon_down_{0}, wall_jump_{0};
    std::string boot_ = "this boot";
};

}  // namespace dishwall
