// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/device_tracker.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/control/device_facts.h"

namespace dishwall {
namespace {

using std::chrono::milliseconds;
using State = NeighbourFact::State;

// A schedule in words, one event after the other, a second apart:
//   reachable|stale|probing|incomplete|failed|permanent ADDRESS [MAC]   MAC: ca (if not said), b0, ff
//   forget ADDRESS, down, up, remove (the link), resync [probing ADDRESS], prefix (2001:db8:2200::/56 is
//   ours, too), withdraw (all)
// ADDRESS is what follows 2001:db8:1100:, on link br; "guest/..." is on link guest.
class Device {
public:
    Device() {
        tracker_.set_link(lan_link(), now_);
        tracker_.set_link(guest_link(), now_);
        settle();
    }
    Device& after(const std::string& schedule) {
        std::istringstream events(schedule);
        for (std::string event; std::getline(events, event, ';');) {
            now_ += seconds(1);
            happen(event);
            settle();
        }
        return *this;
    }
    std::string learnt() const { return learnt_by(tracker_); }
    // Lets time pass, with an answer to each probe or with none. "9 cam's address, ..." at whole seconds.
    std::vector<std::pair<MonotonicTime, Probe>> pass(seconds time, bool answer) {
        std::vector<std::pair<MonotonicTime, Probe>> all;
        const MonotonicTime end = now_ + time;
        for (;;) {
            const auto deadline = tracker_.deadline();
            if (!deadline || *deadline > end) break;
            now_ = std::max(now_, *deadline);
            for (const Probe& probe : tracker_.take_probes(now_)) {
                all.emplace_back(now_, probe);
                if (answer)
                    tracker_.set_neighbour({probe.link, probe.address, probe.mac, State::reachable}, now_);
            }
            settle();
            EXPECT_LT(++wakes_, 100'000) << "woken for nothing";
        }
        now_ = end;
        return all;
    }
    void settle() {
        const std::vector<LearntAddress> before = tracker_.learnt();
        const bool changed = tracker_.settle(own_);
        EXPECT_EQ(changed, before != tracker_.learnt());
        changes_ += changed ? 1 : 0;
    }

    MonotonicTime now_ = seconds(1000);
    Own own_ = own_with({"2001:db8:1100::/56"});
    DeviceTracker tracker_{policy_of_devices()};
    int changes_ = 0, wakes_ = 0;

private:
    void happen(const std::string& event) {
        std::istringstream words(event);
        std::string what, where, mac = "ca";
        words >> what >> where >> mac;
        if (mac.empty()) mac = "ca";
        unsigned link = kLan;
        if (where.starts_with("guest/")) link = kGuest, where = where.substr(6);
        if (!where.empty() && what != "resync" && !where.starts_with("fe80") && !where.starts_with("2001"))
            where = "2001:db8:1100:" + where;
        static const std::map<std::string, State> kStates{
            {"reachable", State::reachable},   {"stale", State::stale},   {"probing", State::probing},
            {"incomplete", State::incomplete}, {"failed", State::failed}, {"permanent", State::permanent}};
        if (const auto state = kStates.find(what); state != kStates.end()) {
            const MacAddress lladdr = mac == "b0" ? kTv : mac == "ff" ? kOther : kCam;
            const bool has_mac = state->second != State::failed && state->second != State::incomplete;
            tracker_.set_neighbour(
                neighbour(where, state->second, has_mac ? std::optional(lladdr) : std::nullopt, link), now_);
        } else if (what == "forget") {
            tracker_.remove_neighbour(link, addr(where), now_);
        } else if (what == "down" || what == "up") {
            tracker_.set_link(lan_link(what == "up"), now_);
        } else if (what == "remove") {
            tracker_.remove_link(kLan);
        } else if (what == "resync") {
            tracker_.forget_facts(now_);
            tracker_.set_link(lan_link(), now_);
            if (where == "probing")
                tracker_.set_neighbour(neighbour("2001:db8:1100:" + mac, State::probing), now_);
        } else if (what == "prefix") {
            own_ = own_with({"2001:db8:1100::/56", "2001:db8:2200::/56"});
        } else if (what == "withdraw") {
            own_.prefixes.clear();
        } else {
            FAIL() << "no event " << event;
        }
    }
};

struct Schedule {
    const char* claim;
    const char* events;
    const char* learnt;
};

class DeviceScheduleTest : public testing::TestWithParam<Schedule> {};

TEST_P(DeviceScheduleTest, ends_with) {
    EXPECT_EQ(Device().after(GetParam().events).learnt(), GetParam().learnt);
}

const Schedule kSchedules[] = {
    // what is learnt
    {"reachable", "reachable 1::5", "cam 2001:db8:1100:1::5"},
    {"stale", "stale 1::5", "cam 2001:db8:1100:1::5"},
    {"being_asked_is_nothing", "probing 1::5", ""},
    {"being_asked_in_a_dump", "resync probing 1::5", "cam 2001:db8:1100:1::5"},
    {"permanent", "permanent 1::5", "cam 2001:db8:1100:1::5"},
    {"incomplete_is_nothing", "incomplete 1::5", ""},
    {"failed_is_nothing", "failed 1::5", ""},
    {"several_devices", "stale 1::5; stale 1::6 b0", "cam 2001:db8:1100:1::5, tv 2001:db8:1100:1::6"},
    {"several_addresses", "stale 1::5; stale 1::55", "cam 2001:db8:1100:1::5, cam 2001:db8:1100:1::55"},
    {"unknown_mac", "stale 1::5 ff", ""},
    {"same_mac_in_another_network", "stale guest/2::5", "guestcam 2001:db8:1100:2::5"},
    {"mac_of_the_other_network", "stale guest/2::6 b0", ""},
    {"link_local", "stale fe80::5", ""},
    {"another_subnet_on_the_same_link", "stale 3::5", ""},
    {"another_networks_subnet", "stale 2::5", ""},
    {"foreign_prefix", "stale 2001:db8:9900:1::5", ""},
    {"a_prefix_that_comes_later", "stale 2001:db8:2200:1::5; prefix", "cam 2001:db8:2200:1::5"},
    // what is let go
    {"failed", "reachable 1::5; failed 1::5", ""},
    {"only_the_failed_one", "stale 1::5; stale 1::6; failed 1::5", "cam 2001:db8:1100:1::6"},
    {"another_mac", "reachable 1::5; stale 1::5 ff", ""},
    {"another_devices_mac", "reachable 1::5; stale 1::5 b0", "tv 2001:db8:1100:1::5"},
    {"mac_that_comes_back", "reachable 1::5; stale 1::5 ff; stale 1::5", "cam 2001:db8:1100:1::5"},
    {"lost_and_asked_for", "reachable 1::5; failed 1::5; probing 1::5", ""},
    {"lost_and_answered", "reachable 1::5; failed 1::5; probing 1::5; reachable 1::5",
     "cam 2001:db8:1100:1::5"},
    {"failed_and_back", "reachable 1::5; failed 1::5; stale 1::5", "cam 2001:db8:1100:1::5"},
    {"withdrawn_prefix", "reachable 1::5; withdraw", ""},
    // what is kept
    {"toggles", "reachable 1::5; stale 1::5; probing 1::5; reachable 1::5", "cam 2001:db8:1100:1::5"},
    {"forgotten_by_the_kernel", "stale 1::5; forget 1::5", "cam 2001:db8:1100:1::5"},
    {"asked_for_by_the_kernel", "stale 1::5; forget 1::5; incomplete 1::5", "cam 2001:db8:1100:1::5"},
    {"asked_for_in_vain", "stale 1::5; forget 1::5; incomplete 1::5; failed 1::5", ""},
    {"link_down", "reachable 1::5; down", "cam 2001:db8:1100:1::5"},
    {"failed_while_the_link_is_down", "reachable 1::5; down; failed 1::5", "cam 2001:db8:1100:1::5"},
    {"failed_after_it_is_up", "reachable 1::5; down; failed 1::5; up; failed 1::5", ""},
    {"link_removed", "reachable 1::5; remove", "cam 2001:db8:1100:1::5"},
    {"link_made_again", "reachable 1::5; remove; up; failed 1::5", ""},
    {"not_in_the_dump_after_lost_events", "reachable 1::5; resync", "cam 2001:db8:1100:1::5"},
    {"withdrawn_prefix_returns_and_the_kernel_still_knows",
     "reachable 2001:db8:2200:1::5; prefix; withdraw; prefix", "cam 2001:db8:2200:1::5"},
    {"withdrawn_prefix_returns_and_the_kernel_forgot",
     "reachable 2001:db8:2200:1::5; prefix; withdraw; forget 2001:db8:2200:1::5; prefix", ""},
};
INSTANTIATE_TEST_SUITE_P(All, DeviceScheduleTest, testing::ValuesIn(kSchedules),
                         [](const auto& info) { return std::string(info.param.claim); });

TEST(DeviceTrackerTest, what_changes_nothing_is_no_change) {
    Device device;
    device.after("stale 1::5");
    EXPECT_EQ(device.changes_, 1);
    device.after(
        "reachable 1::5; stale 1::5; probing 1::5; forget 1::5; incomplete 1::5; stale 1::5; down; up; "
        "stale 1::7 ff; stale fe80::1; resync; stale 1::5");
    EXPECT_EQ(device.changes_, 1);
}

TEST(DeviceTrackerTest, neighbours_of_other_links_are_dropped) {
    Device device;
    EXPECT_TRUE(device.tracker_.watches(kLan));
    EXPECT_FALSE(device.tracker_.watches(kDish));
    device.tracker_.set_neighbour(neighbour("2001:db8:1100:1::5", State::reachable, kCam, kDish),
                                  device.now_);
    device.settle();
    EXPECT_EQ(device.learnt(), "");
}

TEST(DeviceTrackerTest, policy_without_devices_is_idle) {
    Policy policy = policy_of_devices();
    policy.learnt = {{"tokyo", 1, DomainHost{"vpn.example.net"}, {}}};
    EXPECT_TRUE(DeviceTracker(policy).idle());
    EXPECT_FALSE(DeviceTracker(policy_of_devices()).idle());
}

TEST(DeviceTrackerTest, renamed_link_is_another) {
    Device device;
    device.tracker_.set_link({kLan, "old", true, true, {}}, device.now_);
    EXPECT_FALSE(device.tracker_.watches(kLan));
    device.tracker_.set_link({9, "br", true, true, {}}, device.now_);
    EXPECT_TRUE(device.tracker_.watches(9));
}

// ---- asking

TEST(DeviceTrackerTest, a_new_address_is_asked_for_and_then_every_30_seconds) {
    Device device;
    device.after("stale 1::5");
    const MonotonicTime learnt = device.now_;
    const auto probes = device.pass(seconds(301), true);
    ASSERT_GE(probes.size(), 11u);
    ASSERT_LE(probes.size(), 12u);
    EXPECT_EQ(probes[0].first, learnt + seconds(1));
    EXPECT_EQ(probes[0].second, (Probe{kLan, addr("2001:db8:1100:1::5"), kCam}));
    for (std::size_t n = 1; n < probes.size(); ++n) {
        EXPECT_LE(probes[n].first - probes[n - 1].first, seconds(30));
        EXPECT_GE(probes[n].first - probes[n - 1].first, seconds(26));
    }
    EXPECT_EQ(device.changes_, 1);
}

TEST(DeviceTrackerTest, each_answer_counts_from_when_it_came) {
    Device device;
    device.after("reachable 1::5");
    for (int n = 0; n < 20; ++n) {
        EXPECT_TRUE(device.pass(seconds(20), true).empty());
        device.after("reachable 1::5");
    }
}

TEST(DeviceTrackerTest, going_stale_is_no_answer) {
    Device device;
    device.after("reachable 1::5");
    EXPECT_TRUE(device.pass(seconds(20), false).empty());
    device.after("stale 1::5");
    EXPECT_EQ(device.pass(seconds(9), false).size(), 1u);
}

TEST(DeviceTrackerTest, forgotten_neighbour_is_asked_for_at_once) {
    Device device;
    device.after("reachable 1::5");
    (void)device.pass(seconds(10), true);
    device.after("forget 1::5");
    ASSERT_TRUE(device.tracker_.deadline());
    EXPECT_EQ(*device.tracker_.deadline(), device.now_);
    EXPECT_EQ(device.pass(seconds(1), true).size(), 1u);
}

// A table that is full: each entry that is made throws another one out.
TEST(DeviceTrackerTest, neighbours_that_are_thrown_out_at_once_make_no_storm) {
    Device device;
    device.after("reachable 1::5");
    std::size_t probes = 0;
    for (int n = 0; n < 30; ++n) {
        device.after("forget 1::5");
        probes += device.pass(seconds(1), true).size();
    }
    EXPECT_GE(probes, 5u);
    EXPECT_LE(probes, 13u);
}

TEST(DeviceTrackerTest, without_an_answer_or_a_failure_it_is_let_go_nevertheless) {
    Device device;
    device.after("reachable 1::5");
    EXPECT_EQ(device.pass(seconds(130), false).size(), DeviceTracker::kAsked);
    EXPECT_EQ(device.learnt(), "");
    EXPECT_EQ(device.tracker_.deadline(), std::nullopt);
}

struct Unasked {
    const char* claim;
    const char* events;
};
class DeviceUnaskedTest : public testing::TestWithParam<Unasked> {};
TEST_P(DeviceUnaskedTest, is_not_asked_for) {
    Device device;
    EXPECT_TRUE(device.after(GetParam().events).pass(seconds(600), true).empty());
    EXPECT_LE(device.wakes_, 2);
}
const Unasked kUnasked[] = {
    {"permanent", "permanent 1::5"},     {"link_down", "stale 1::5; down"},
    {"link_gone", "stale 1::5; remove"}, {"not_ours", "stale 2001:db8:2200:1::5"},
    {"unknown_mac", "stale 1::5 ff"},
};
INSTANTIATE_TEST_SUITE_P(All, DeviceUnaskedTest, testing::ValuesIn(kUnasked),
                         [](const auto& info) { return std::string(info.param.claim); });

TEST(DeviceTrackerTest, an_address_that_did_not_answer_is_asked_for_ten_minutes_more) {
    Device device;
    device.after("reachable 1::5; failed 1::5");
    const auto probes = device.pass(seconds(3600), false);
    EXPECT_GE(probes.size(), 19u);
    EXPECT_LE(probes.size(), 23u);
    EXPECT_LE(probes.back().first, seconds(1002 + 600));
    EXPECT_EQ(device.learnt(), "");
    EXPECT_EQ(device.tracker_.deadline(), std::nullopt);
}

TEST(DeviceTrackerTest, an_address_that_answers_again_is_learnt_again) {
    Device device;
    device.after("reachable 1::5; failed 1::5");
    EXPECT_EQ(device.pass(seconds(30), true).size(), 1u);
    EXPECT_EQ(device.learnt(), "cam 2001:db8:1100:1::5");
}

TEST(DeviceTrackerTest, a_lost_address_that_another_mac_has_is_not_asked_for) {
    Device device;
    EXPECT_TRUE(device.after("reachable 1::5; failed 1::5; stale 1::5 ff").pass(seconds(600), false).empty());
}

TEST(DeviceTrackerTest, link_that_comes_up_has_its_addresses_asked_for) {
    Device device;
    device.after("reachable 1::5; down; forget 1::5");
    (void)device.pass(seconds(600), false);
    device.after("up");
    const MonotonicTime up = device.now_;
    const auto probes = device.pass(seconds(5), true);
    ASSERT_EQ(probes.size(), 1u);
    EXPECT_EQ(probes[0].first, up + seconds(1));
}

TEST(DeviceTrackerTest, many_devices_are_asked_for_in_turns) {
    Policy policy = policy_of_devices();
    policy.learnt.clear();
    for (unsigned n = 0; n < 250; ++n)
        policy.learnt.push_back(
            {"d", n + 1, DeviceHost{0, {2, 0, 0, 0, 1, static_cast<std::uint8_t>(n)}}, {}});
    Device device;
    device.tracker_ = DeviceTracker(policy);
    device.tracker_.set_link(lan_link(), device.now_);
    for (unsigned n = 0; n < 1000; ++n)
        device.tracker_.set_neighbour(
            {kLan, Ipv6Address{addr("2001:db8:1100:1::").hi, n + 1},
             MacAddress{2, 0, 0, 0, 1, static_cast<std::uint8_t>(n % 250)}, State::stale},
            device.now_);
    device.settle();
    const auto probes = device.pass(seconds(300), true);
    EXPECT_GE(probes.size(), 10'000u);
    EXPECT_LE(probes.size(), 12'500u);
    std::map<MonotonicTime, std::size_t> at;
    std::map<std::int64_t, std::size_t> in_second;
    for (const auto& [time, probe] : probes) {
        ++at[time];
        ++in_second[time / seconds(1)];
    }
    for (const auto& [time, count] : at) EXPECT_LE(count, DeviceTracker::kProbesAtOnce);
    for (const auto& [second, count] : in_second) EXPECT_LE(count, 336u);
    EXPECT_EQ(device.tracker_.learnt().size(), 1000u);
}

// ---- bounds

TEST(DeviceTrackerTest, a_device_has_64_addresses_and_the_oldest_unconfirmed_goes) {
    Device device;
    device.after("stale 1::1; reachable 1::2; permanent 1::3; stale 1::4; stale 1::99 b0");
    for (int n = 0; n < 60; ++n) device.after(fmt::format("reachable 1::{:x}", 0x100 + n));
    EXPECT_EQ(device.tracker_.learnt().size(), 65u);
    device.after("stale 1::200");
    EXPECT_EQ(device.tracker_.learnt().size(), 65u);
    EXPECT_EQ(learnt_by(device.tracker_).find("cam 2001:db8:1100:1::1,"), std::string::npos);
    device.after("stale 1::201; stale 1::202; stale 1::203");
    const std::string learnt = learnt_by(device.tracker_);
    EXPECT_EQ(device.tracker_.learnt().size(), 65u);
    EXPECT_EQ(learnt.find("1::4,"), std::string::npos);
    for (const char* kept : {"cam 2001:db8:1100:1::2,", "1::3,", "tv 2001:db8:1100:1::99", "1::203"})
        EXPECT_NE(learnt.find(kept), std::string::npos) << kept;
}

TEST(DeviceTrackerTest, all_devices_have_what_the_layout_holds_and_the_largest_gives_way) {
    Policy policy = policy_of_devices();
    policy.learnt.clear();
    for (unsigned n = 0; n < 100; ++n)
        policy.learnt.push_back(
            {"d", n + 1, DeviceHost{0, {2, 0, 0, 0, 1, static_cast<std::uint8_t>(n)}}, {}});
    DeviceTracker tracker(policy);
    tracker.set_link(lan_link(), seconds(1));
    for (unsigned n = 0; n < 64; ++n)
        for (unsigned d = 0; d < 100; ++d)
            tracker.set_neighbour({kLan, Ipv6Address{addr("2001:db8:1100:1::").hi, (d + 1) << 8 | n},
                                   MacAddress{2, 0, 0, 0, 1, static_cast<std::uint8_t>(d)}, State::stale},
                                  seconds(2 + n));
    (void)tracker.settle(own_with({"2001:db8:1100::/56"}));
    EXPECT_EQ(tracker.learnt().size(), std::size_t{DW_LEARNT_MAX});
    std::map<std::uint32_t, std::size_t> each;
    for (const LearntAddress& learnt : tracker.learnt()) ++each[learnt.host];
    ASSERT_EQ(each.size(), 100u);
    for (const auto& [host, count] : each) EXPECT_GE(count, 40u) << host;
}

// ---- a new daemon

TEST(DeviceTrackerTest, table_survives_a_restart_and_is_asked_for) {
    Device before;
    before.after("reachable 1::5; stale 1::6 b0; reachable guest/2::5; reachable 2001:db8:2200:1::9");
    const nlohmann::json saved =
        nlohmann::json::parse(before.tracker_.to_json(before.now_, seconds(1'000'000)).dump());
    Policy policy = policy_of_devices();
    policy.learnt.erase(policy.learnt.begin() + 1);  // no tv
    Device after;
    after.tracker_ = DeviceTracker(policy);
    after.now_ = seconds(50);  // another boot
    ASSERT_TRUE(after.tracker_.from_json(saved, after.now_, seconds(1'000'100)));
    after.tracker_.set_link(lan_link(), after.now_);
    after.tracker_.set_link(guest_link(), after.now_);
    after.settle();
    EXPECT_EQ(after.learnt(), "cam 2001:db8:1100:1::5, guestcam 2001:db8:1100:2::5");
    const std::vector<DeviceAddress> cam = after.tracker_.addresses_of(kCamId);
    ASSERT_EQ(cam.size(), 1u);
    EXPECT_EQ(std::string(cam[0].state), "saved");
    EXPECT_EQ(cam[0].since, seconds(50 - 100 - 3)) << "learnt three seconds before it was saved, 100 s ago";
    EXPECT_EQ(after.pass(seconds(2), true).size(), 2u);
    EXPECT_EQ(std::string(after.tracker_.addresses_of(kCamId)[0].state), "confirmed");
}

TEST(DeviceTrackerTest, only_a_changed_table_is_to_be_saved) {
    Device device;
    EXPECT_FALSE(device.tracker_.take_unsaved());
    device.after("stale 1::5");
    EXPECT_TRUE(device.tracker_.take_unsaved());
    device.after("reachable 1::5; stale 1::5; forget 1::5");
    EXPECT_FALSE(device.tracker_.take_unsaved());
    device.after("failed 1::5");
    EXPECT_TRUE(device.tracker_.take_unsaved());
}

struct Broken {
    const char* state;
    const char* error;
};

TEST(DeviceTrackerTest, broken_state_is_refused) {
    const Broken kBroken[] = {
        {R"({"format": 2})", "format 2 is not known here"},
        {R"({"format": 1})",
         "not a saved table of devices: [json.exception.out_of_range.403] key 'addresses' not found"},
        {R"({"format": 1, "addresses": [{"interface": 1}]})",
         "not a saved table of devices: [json.exception.type_error.302] type must be string, but is number"},
        {R"([])", "not a saved table of devices: [json.exception.type_error.304] cannot use at() with array"},
    };
    for (const Broken& broken : kBroken) {
        DeviceTracker tracker(policy_of_devices());
        const Result<void> read = tracker.from_json(nlohmann::json::parse(broken.state), {}, {});
        ASSERT_FALSE(read) << broken.state;
        EXPECT_EQ(read.error().message, broken.error);
    }
    DeviceTracker tracker(policy_of_devices());
    EXPECT_TRUE(tracker.from_json(
        nlohmann::json::parse(
            R"({"format": 1, "addresses": [{"interface": "br", "mac": "02:00:00:00:00:ca", "address": "x", "since_ns": 0},
            {"interface": "br", "mac": "nonsense", "address": "::1", "since_ns": 0}]})"),
        {}, {}));
    EXPECT_FALSE(tracker.settle(own_with({"2001:db8:1100::/56"})));
}

}  // namespace
}  // namespace dishwall
