// SPDX-License-Identifier: BSD-3-Clause
//
// A follower in a network namespace of this process's own: an uplink `wan` (the other end is `isp`) and a
// bridge `lan0`, to be changed by real `ip` commands. Needs root.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "control/line/line_follower.h"
#include "tests/control/line_facts.h"

namespace dishwall {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;  // CLOCK_MONOTONIC

inline void ip(const std::string& command) {
    ASSERT_EQ(std::system(("ip " + command).c_str()), 0) << "ip " << command;
}

class LineLab : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/dw-line-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        ip("link set lo up");
        ip("link add wan type veth peer name isp");
        ip("link add lan0 type bridge");
        for (const char* link : {"wan", "isp", "lan0"}) {
            ip(std::string("link set ") + link + " addrgenmode none");
            ip(std::string("link set ") + link + " up");
        }
        ASSERT_GE(sd_event_new(&loop_), 0);
    }
    void TearDown() override {
        follower_.reset();
        sd_event_unref(loop_);
        std::filesystem::remove_all(directory_);
    }
    void make(std::chrono::nanoseconds probe_interval = DeviceTracker::kProbeInterval) {
        follower_ = std::make_unique<LineFollower>(
            loop_, directory_,
            LineCallbacks{.own_changed =
                              [this](const LineUpdate& update) {
                                  updates_.push_back(update);
                                  at_.push_back(Steady::now());
                              },
                          .uplink_changed = [this](const UplinkState& state) { uplinks_.push_back(state); },
                          .warn = [this](const std::string& text) { warnings_ += text + "\n"; }},
            probe_interval);
    }
    static Policy policy_with(std::vector<PrefixSource> sources, unsigned grace_s = 300) {
        Policy policy;
        policy.uplink = uplink_with(std::move(sources), grace_s);
        return policy;
    }
    Own start(std::vector<PrefixSource> sources, unsigned grace_s = 300) {
        make();
        return start_with(policy_with(std::move(sources), grace_s));
    }
    Own start_with(const Policy& policy) {
        const Result<Own> own = follower_->start(policy);
        EXPECT_TRUE(own) << own.error().message;
        return own.value_or(Own{});
    }
    void run_for(milliseconds time) {
        const auto end = Steady::now() + time;
        while (Steady::now() < end) sd_event_run(loop_, 1000);
    }
    // The updates' texts, when as many have come; then nothing more may come for a while.
    std::string next(std::size_t count = 1) {
        const auto end = Steady::now() + seconds(5);
        while (updates_.size() < count && Steady::now() < end) sd_event_run(loop_, 10'000);
        run_for(milliseconds(40));
        std::string texts;
        for (const LineUpdate& update : updates_) texts += texts_of(update.changes) + "\n";
        updates_.clear();
        return texts;
    }
    std::string nothing() { return next(0); }

    std::filesystem::path directory_;
    sd_event* loop_ = nullptr;
    std::unique_ptr<LineFollower> follower_;
    std::vector<LineUpdate> updates_;
    std::vector<Steady::time_point> at_;
    std::vector<UplinkState> uplinks_;
    std::string warnings_;
};

}  // namespace dishwall
