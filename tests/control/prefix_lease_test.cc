// SPDX-License-Identifier: BSD-3-Clause
//
// What the line does to prefixes: leases whose route stays, a dish that reboots, two uplinks on one machine,
// links that flap, lengths that change, and all of it across a restart of the daemon.
#include "tests/control/prefix_tracker_test.h"

namespace dishwall {
namespace {

class PrefixLeaseTest : public PrefixTrackerTest {};
class DishRebootTest : public PrefixTrackerTest {};
class TwoUplinksTest : public PrefixTrackerTest {};
class RenumberingTest : public PrefixTrackerTest {};

constexpr const char* kWithdrawn = "dish.pd: 2001:db8:1100::/56 is withdrawn, open flows live on for 300 s";
constexpr const char* kBack = "dish.pd: 2001:db8:1100::/56 is back";
constexpr const char* kGone = "dish.pd: 2001:db8:1100::/56 is gone";

// ---- a lease that ends while its route stays

TEST_F(PrefixLeaseTest, delegation_ends_with_the_last_address_made_from_it_though_the_route_stays) {
    begin({pd()});
    route("2001:db8:1100::/56");
    lan_address("2001:db8:1100:1::1", seconds(300));
    lan_address("2001:db8:1100:2::1", seconds(200));
    (void)settle();
    EXPECT_EQ(after(seconds(200)), "");
    EXPECT_EQ(after(seconds(100)), kWithdrawn);
    tracker_->remove_address(kLan, addr("2001:db8:1100:1::1"));
    tracker_->remove_address(kLan, addr("2001:db8:1100:2::1"));
    (void)after(seconds(10));
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace");
    lan_address("2001:db8:1100:1::1", seconds(300));
    EXPECT_EQ(settle(), std::string(kBack) + "; address 2001:db8:1100:1::1 is this box's");
}

TEST_F(PrefixLeaseTest, interface_taken_down_leaves_the_lease_its_time) {
    begin({pd()});
    route("2001:db8:1100::/56");
    lan_address("2001:db8:1100:1::1", seconds(300));
    (void)settle();
    tracker_->remove_address(kLan, addr("2001:db8:1100:1::1"));
    EXPECT_EQ(after(seconds(100)), "address 2001:db8:1100:1::1 is no longer this box's");
    EXPECT_EQ(tracker_->deadline(), now_ + seconds(200));
    EXPECT_EQ(tracker_->list().at(0).valid_until, now_ + seconds(200));
    EXPECT_EQ(after(seconds(200)), kWithdrawn);
}

TEST_F(PrefixLeaseTest, route_without_addresses_or_with_endless_ones_never_ends_by_itself) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    EXPECT_EQ(after(seconds(1'000'000)), "");
    lan_address("2001:db8:1100:1::1", seconds(300));
    (void)settle();
    lan_address("2001:db8:1100:1::1", {});
    (void)settle();
    tracker_->remove_address(kLan, addr("2001:db8:1100:1::1"));
    EXPECT_EQ(after(seconds(1'000'000)), "address 2001:db8:1100:1::1 is no longer this box's");
}

TEST_F(PrefixLeaseTest, route_set_again_is_a_new_lease) {
    begin({pd()});
    route("2001:db8:1100::/56");
    lan_address("2001:db8:1100:1::1", seconds(300));
    (void)settle();
    EXPECT_EQ(after(seconds(300)), kWithdrawn);
    route("2001:db8:1100::/56");
    EXPECT_EQ(after(seconds(1)), kBack);
    EXPECT_EQ(after(seconds(1)), "");
}

TEST_F(PrefixLeaseTest, resync_is_no_new_lease) {
    begin({pd()});
    route("2001:db8:1100::/56");
    lan_address("2001:db8:1100:1::1", seconds(300));
    (void)settle();
    (void)after(seconds(300));
    tracker_->forget_facts();
    tell_links();
    route("2001:db8:1100::/56");
    EXPECT_EQ(after(seconds(1)), "address 2001:db8:1100:1::1 is no longer this box's");
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace");
}

TEST_F(PrefixLeaseTest, restart_remembers_the_lease) {
    begin({pd()});
    route("2001:db8:1100::/56");
    lan_address("2001:db8:1100:1::1", seconds(300));
    (void)settle();
    daemon_down_ = seconds(299);
    restart();
    tell_links();
    route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), "");
    EXPECT_EQ(after(seconds(1)), kWithdrawn);
}

TEST_F(PrefixLeaseTest, reload_late_in_a_grace_period_gives_nothing_back) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)settle();
    for (int reload = 0; reload < 2; ++reload) {
        now_ += seconds(140);  // no event settles in between
        restart();
        tell_links();
        EXPECT_EQ(settle(), "");
    }
    EXPECT_EQ(after(seconds(20)), kGone);
}

TEST_F(PrefixLeaseTest, grace_survives_a_boot_with_the_clock_set_back) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)settle();
    boot_ = "";
    wall_jump_ = seconds(0);
    const nlohmann::json saved = tracker_->to_json(instant());
    wall_jump_ = seconds(-10'000);
    tracker_.emplace(uplink_);
    ASSERT_TRUE(tracker_->from_json(saved, instant()));
    tell_links();
    EXPECT_EQ(settle(), "");
    EXPECT_EQ(after(seconds(299)), "");
    EXPECT_EQ(after(seconds(1)), kGone);
}

TEST_F(PrefixLeaseTest, format_1_is_read) {
    begin({pd()});
    const char* saved = R"({"format":1,"uplink":"dish","saved_at_ns":1000000000,"line_up":true,"prefixes":[
        {"source":"pd","prefix":"2001:db8:1100::/56","state":"grace","grace_left_ns":300000000000},
        {"source":"pd","prefix":"2001:db8:2200::/56","state":"preferred"}]})";
    tracker_.emplace(uplink_);
    ASSERT_TRUE(tracker_->from_json(nlohmann::json::parse(saved), Instant{now_, seconds(101), "b"}));
    tell_links();
    EXPECT_EQ(settle(), "dish.pd: 2001:db8:2200::/56 is withdrawn, open flows live on for 300 s");
    EXPECT_EQ(after(seconds(200)), kGone);
}

TEST_F(PrefixLeaseTest, state_version_grows_with_what_must_be_saved_only) {
    begin({pd(), ra()});
    route("2001:db8:1100::/56");
    const auto saves = [this] {
        const auto before = tracker_->state_version();
        (void)after(seconds(1));
        return tracker_->state_version() != before;
    };
    EXPECT_TRUE(saves());
    EXPECT_FALSE(saves());
    lan_address("2001:db8:1100:1::1", seconds(300));
    EXPECT_FALSE(saves()) << "a refresh; with RAs of 75 s a card would wear out";
    tracker_->set_ipv4(kDish, kRebooting, 24);
    EXPECT_TRUE(saves()) << "the timers stand now";
    const auto before = tracker_->state_version();
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(300));
    EXPECT_EQ(tracker_->state_version(), before + 1) << "at once";
    (void)untell();
    EXPECT_EQ(tracker_->state_version(), before + 2);
}

// ---- the dish reboots

TEST_F(DishRebootTest, grace_stands_still_while_the_dish_leases_addresses_itself) {
    begin({pd()});
    tracker_->set_ipv4(kDish, kCgnat, 10);
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)settle();
    tracker_->remove_ipv4(kDish, kCgnat);
    tracker_->set_ipv4(kDish, kRebooting, 24);
    (void)after(seconds(100));
    EXPECT_FALSE(tracker_->line_up());
    EXPECT_FALSE(tracker_->deadline());
    EXPECT_EQ(after(seconds(100'000)), "");
    tracker_->remove_ipv4(kDish, kRebooting);
    tracker_->set_ipv4(kDish, kCgnat, 10);
    (void)settle();
    EXPECT_EQ(tracker_->deadline(), now_ + seconds(200));
    EXPECT_EQ(after(seconds(200)), kGone);
}

TEST_F(DishRebootTest, grace_stands_still_across_a_restart) {
    begin({pd()});
    tracker_->set_ipv4(kDish, kRebooting, 24);
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)settle();
    daemon_down_ = seconds(5000);
    restart();
    tell_links();
    tracker_->set_ipv4(kDish, kRebooting, 24);
    EXPECT_EQ(settle(), "");
    EXPECT_EQ(tracker_->list().at(0).grace_left, seconds(300));
}

TEST_F(DishRebootTest, what_ran_out_meanwhile_is_live_again_with_the_first_address) {
    begin({pd(), ra()});
    const auto lease = [this] {
        AddressFact fact = address_on(kDish, "2001:db8:ffff::1");
        fact.valid_until = fact.preferred_until = now_ + seconds(300);
        tracker_->set_address(fact);
        lan_address("2001:db8:1100:1::1", seconds(300));
    };
    route("2001:db8:1100::/56");
    lease();
    (void)settle();
    tracker_->set_ipv4(kDish, kRebooting, 24);
    (void)settle();
    (void)after(seconds(300));
    (void)after(seconds(10'000));
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace, dish.onlink 2001:db8:ffff::/64 grace onlink");
    EXPECT_EQ(tracker_->list().at(0).grace_left, seconds(300));
    lease();
    EXPECT_EQ(settle(), std::string(kBack) + "; dish.onlink: 2001:db8:ffff::/64 is back");
}

TEST_F(DishRebootTest, an_alias_for_the_page_of_the_dish_is_no_reboot) {
    begin({pd()});
    tracker_->set_ipv4(kDish, kRebooting, 24);
    tracker_->set_ipv4(kDish, kCgnat, 10);
    EXPECT_TRUE(tracker_->line_up());
    tracker_->remove_ipv4(kDish, kCgnat);
    EXPECT_FALSE(tracker_->line_up());
    tracker_->remove_ipv4(kDish, kRebooting);
    EXPECT_TRUE(tracker_->line_up()) << "no lease at all says nothing: IPv6 only, or the second device";
    tracker_->set_ipv4(kLan, kRebooting, 24);
    EXPECT_TRUE(tracker_->line_up()) << "on another interface";
}

TEST_F(DishRebootTest, resync_finds_the_lease_gone) {
    begin({pd()});
    tracker_->set_ipv4(kDish, kRebooting, 24);
    (void)settle();
    tracker_->forget_facts();
    tell_links();
    (void)settle();
    EXPECT_TRUE(tracker_->line_up());
}

// ---- two uplinks, and the neighbours

TEST_F(TwoUplinksTest, each_has_its_own_delegation_and_onlink_prefix) {
    Uplink first = uplink_with({pd(1024), ra()}), second = uplink_with({pd(2048), ra()});
    second.name = "backup";
    second.interface = "wan2";
    for (const auto& [uplink, expected] : {std::pair(first,
                                                     "dish.pd 2001:db8:1100::/56 preferred, "
                                                     "dish.onlink 2001:db8:f1::/64 preferred onlink"),
                                           std::pair(second,
                                                     "backup.pd 2001:db8:2200::/60 preferred, "
                                                     "backup.onlink 2001:db8:f2::/64 preferred onlink")}) {
        PrefixTracker tracker{uplink};
        tracker.set_link(wan(true));
        tracker.set_link({kDish2, "wan2", true, true, {}});
        tracker.set_route({pfx("2001:db8:1100::/56"), 254, 1024});
        tracker.set_route({pfx("2001:db8:2200::/60"), 254, 2048});
        tracker.set_address(address_on(kDish, "2001:db8:f1::1"));
        tracker.set_address(address_on(kDish2, "2001:db8:f2::1"));
        (void)tracker.settle(now_);
        EXPECT_EQ(prefixes_of(tracker), expected);
    }
}

TEST_F(TwoUplinksTest, route_of_the_other_client_keeps_no_lease_alive_or_over) {
    begin({pd(1024)});
    route("2001:db8:1100::/56");
    tracker_->set_route({pfx("2001:db8:1100::/56"), 254, 2048});
    lan_address("2001:db8:1100:1::1", seconds(300));
    (void)settle();
    EXPECT_EQ(after(seconds(300)), kWithdrawn);
    tracker_->set_route({pfx("2001:db8:1100::/56"), 254, 2048});  // the other client renews
    EXPECT_EQ(settle(), "");
    no_route("2001:db8:1100::/56");
    route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), kBack) << "a new lease, though the other route never went";
}

TEST_F(TwoUplinksTest, onlink_lifetimes_are_those_of_the_own_uplink) {
    begin({ra()});
    tracker_->set_link({kDish2, "wan2", true, true, {}});
    AddressFact mine = address_on(kDish, "2001:db8:f1::1");
    mine.valid_until = mine.preferred_until = now_ + seconds(300);
    tracker_->set_address(mine);
    tracker_->set_address(address_on(kDish2, "2001:db8:f1::2"));  // both on one dish segment
    (void)settle();
    EXPECT_EQ(after(seconds(300)),
              "dish.onlink: 2001:db8:f1::/64 is withdrawn, open flows live on for 300 s");
}

TEST_F(TwoUplinksTest, second_router_on_the_segment_adds_a_prefix_and_takes_none) {
    begin({pd(), ra()});
    route("2001:db8:1100::/56");
    tracker_->set_address(address_on(kDish, "2001:db8:f1::1"));
    (void)settle();
    tracker_->set_address(address_on(kDish, "2001:db8:f2::1"));
    EXPECT_EQ(after(seconds(1)),
              "dish.onlink: 2001:db8:f2::/64 is new; address 2001:db8:f2::1 is this box's");
    tracker_->remove_address(kDish, addr("2001:db8:f2::1"));
    (void)after(seconds(1));
    EXPECT_EQ(now(),
              "dish.pd 2001:db8:1100::/56 preferred, dish.onlink 2001:db8:f1::/64 preferred onlink, "
              "dish.onlink 2001:db8:f2::/64 grace onlink");
}

// ---- renumbering and flapping

TEST_F(RenumberingTest, link_that_flaps_a_hundred_times_ends_nothing) {
    begin({pd(), ra()});
    route("2001:db8:1100::/56");
    tracker_->set_address(address_on(kDish, "2001:db8:f1::1"));
    (void)settle();
    for (int flap = 0; flap < 100; ++flap) {
        tracker_->set_link(wan(false));
        tracker_->remove_address(kDish, addr("2001:db8:f1::1"));
        (void)after(seconds(100));
        EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 preferred, dish.onlink 2001:db8:f1::/64 grace onlink");
        tracker_->set_link(wan(true));
        tracker_->set_address(address_on(kDish, "2001:db8:f1::1"));
        (void)after(seconds(1));
        EXPECT_EQ(now(),
                  "dish.pd 2001:db8:1100::/56 preferred, dish.onlink 2001:db8:f1::/64 preferred onlink");
    }
}

TEST_F(RenumberingTest, length_changes_56_60_56_with_and_without_overlap) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    route("2001:db8:1100:10::/60");
    EXPECT_EQ(after(seconds(1)), "dish.pd: 2001:db8:1100:10::/60 is new");
    no_route("2001:db8:1100::/56");
    (void)after(seconds(1));
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace, dish.pd 2001:db8:1100:10::/60 preferred");
    route("2001:db8:1100::/56");
    no_route("2001:db8:1100:10::/60");
    (void)after(seconds(1));
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 preferred");
}

// R32: nobody withdraws the old ones
TEST_F(RenumberingTest, hundred_renumberings_without_withdrawal_keep_the_newest_live) {
    begin({pd(), ra()});
    tracker_->set_address(address_on(kDish, "2001:db8:ffff::1"));
    for (unsigned n = 1; n <= 100; ++n) {
        route(fmt::format("2001:db8:{:x}00::/56", n));
        lan_address(fmt::format("2001:db8:{:x}00::1", n), seconds(300));
        (void)after(seconds(1));
        const auto slot = locate(tracker_->own(), addr(fmt::format("2001:db8:{:x}00::1", n)));
        ASSERT_TRUE(slot) << n;
        ASSERT_EQ(tracker_->own().prefixes.at(slot->slot).state, DW_PREFIX_PREFERRED);
        ASSERT_LE(tracker_->own().prefixes.size(), std::size_t{DW_PREFIXES});
    }
    (void)after(seconds(300));
    (void)after(seconds(300));
    EXPECT_EQ(now(), "dish.onlink 2001:db8:ffff::/64 preferred onlink") << "all leases ran out";
}

}  // namespace
}  // namespace dishwall
