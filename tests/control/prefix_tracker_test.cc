// SPDX-License-Identifier: BSD-3-Clause
//
// Schedules of line events with a clock that the test turns: what is ours after each step, and what is told.
#include "tests/control/prefix_tracker_test.h"

namespace dishwall {
namespace {

// ---- sources

TEST_F(PrefixTrackerTest, delegation_is_the_unreachable_route) {
    begin({pd()});
    route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), "dish.pd: 2001:db8:1100::/56 is new");
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 preferred");
}

TEST_F(PrefixTrackerTest, delegation_has_length_48_to_64_inside_2000_3) {
    begin({pd()});
    for (const char* other : {"2001:db8::/47", "2001:db8:1::/65", "fd00:1::/56", "fe80::/64",
                              "2001:db8::1/128", "2000::/3", "4000::/56"})
        route(other);
    EXPECT_EQ(settle(), "");
    for (const char* good : {"2001:db8::/48", "3fff:1::/64", "2001:db8:5::/52"}) route(good);
    (void)settle();
    EXPECT_EQ(
        now(),
        "dish.pd 2001:db8::/48 preferred, dish.pd 2001:db8:5::/52 preferred, dish.pd 3fff:1::/64 preferred");
}

TEST_F(PrefixTrackerTest, delegation_lives_while_one_of_its_routes_does) {
    begin({pd()});
    tracker_->set_route({pfx("2001:db8::/56"), 254, 1024});
    tracker_->set_route({pfx("2001:db8::/56"), 254, 512});
    (void)settle();
    tracker_->remove_route({pfx("2001:db8::/56"), 254, 1024});
    EXPECT_EQ(settle(), "");
    tracker_->remove_route({pfx("2001:db8::/56"), 254, 512});
    EXPECT_EQ(settle(), "dish.pd: 2001:db8::/56 is withdrawn, open flows live on for 300 s");
}

TEST_F(PrefixTrackerTest, onlink_is_the_64_of_global_addresses_on_the_uplink) {
    begin({ra()});
    tracker_->set_address(address_on(kDish, "2001:db8:ffff::abcd"));
    tracker_->set_address(address_on(kDish, "2001:db8:ffff::beef"));  // a temporary one
    tracker_->set_address(address_on(kDish, "fe80::1"));
    tracker_->set_address(address_on(kDish, "fd00::1"));
    tracker_->set_address(address_on(kDish, "2001:db8:eeee::7", 128));  // DHCPv6 IA_NA
    tracker_->set_address(address_on(kLan, "2001:db8:1::1"));
    (void)settle();
    EXPECT_EQ(now(), "dish.onlink 2001:db8:ffff::/64 preferred onlink");
    tracker_->remove_address(kDish, addr("2001:db8:ffff::abcd"));
    EXPECT_EQ(settle(), "address 2001:db8:ffff::abcd is no longer this box's");
    EXPECT_EQ(now(), "dish.onlink 2001:db8:ffff::/64 preferred onlink");
}

TEST_F(PrefixTrackerTest, addresses_on_an_interface_give_its_64s) {
    begin({lan()});
    tracker_->set_address(address_on(kLan, "2001:db8:1:2::1"));
    tracker_->set_address(address_on(kLan, "2001:db8:1:30::1", 60));
    tracker_->set_address(address_on(kLan, "2001:db8:9::1", 128));
    tracker_->set_address(address_on(kDish, "2001:db8:ffff::1"));
    (void)settle();
    EXPECT_EQ(now(), "dish.lan 2001:db8:1:2::/64 preferred, dish.lan 2001:db8:1:30::/64 preferred");
}

TEST_F(PrefixTrackerTest, static_prefix_needs_no_line) {
    tracker_.emplace(uplink_with({fixed("2001:db8:aa00::/56")}));
    EXPECT_EQ(settle(), "dish.fixed: 2001:db8:aa00::/56 is new");
}

TEST_F(PrefixTrackerTest, self_is_every_address_of_the_box_but_loopback) {
    begin({pd()});
    tracker_->set_address(address_on(kLo, "::1", 128));
    tracker_->set_address(address_on(kLo, "2001:db8::53", 128));
    tracker_->set_address(address_on(kDish, "fe80::1"));
    tracker_->set_address(address_on(kLan, "fe80::1"));
    tracker_->set_address(address_on(kLan, "fd00::1"));
    AddressFact stolen = address_on(kLan, "2001:db8::bad");
    stolen.duplicate = true;
    tracker_->set_address(stolen);
    EXPECT_EQ(
        settle(),
        "address 2001:db8::53 is this box's; address fd00::1 is this box's; address fe80::1 is this box's");
    tracker_->remove_address(kDish, addr("fe80::1"));
    EXPECT_EQ(settle(), "") << "the LAN has it too";
}

// ---- lifetimes

TEST_F(PrefixTrackerTest, refresh_changes_nothing) {
    begin({pd(), ra()});
    route("2001:db8:1100::/56");
    for (int refresh = 0; refresh < 50; ++refresh) {
        AddressFact fact = address_on(kDish, "2001:db8:ffff::1");
        fact.valid_until = now_ + seconds(300);
        fact.preferred_until = now_ + seconds(150);
        tracker_->set_address(fact);
        route("2001:db8:1100::/56");
        const std::string told = after(seconds(100));
        if (refresh == 0) continue;
        EXPECT_EQ(told, "");
    }
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 preferred, dish.onlink 2001:db8:ffff::/64 preferred onlink");
}

TEST_F(PrefixTrackerTest, deprecated_by_flag_and_back) {
    begin({ra()});
    AddressFact fact = address_on(kDish, "2001:db8:ffff::1");
    tracker_->set_address(fact);
    (void)settle();
    fact.deprecated = true;
    tracker_->set_address(fact);
    EXPECT_EQ(settle(), "dish.onlink: 2001:db8:ffff::/64 is deprecated");
    EXPECT_EQ(tracker_->own().prefixes.at(0).state, DW_PREFIX_DEPRECATED);
    fact.deprecated = false;
    tracker_->set_address(fact);
    EXPECT_EQ(settle(), "dish.onlink: 2001:db8:ffff::/64 is preferred again");
}

TEST_F(PrefixTrackerTest, delegation_is_as_good_as_the_best_address_made_from_it) {
    begin({pd()});
    route("2001:db8:1100::/56");
    AddressFact old = address_on(kLan, "2001:db8:1100:1::1"), other = address_on(kLan, "2001:db8:1100:2::1");
    old.preferred_until = now_ + seconds(150);
    other.preferred_until = now_ + seconds(200);
    tracker_->set_address(old);
    tracker_->set_address(other);
    (void)settle();
    EXPECT_EQ(after(seconds(150)), "");
    EXPECT_EQ(after(seconds(49)), "");
    EXPECT_EQ(after(seconds(1)), "dish.pd: 2001:db8:1100::/56 is deprecated");
}

TEST_F(PrefixTrackerTest, deadline_tells_when_lifetimes_end) {
    begin({ra()}, 300);
    EXPECT_FALSE(tracker_->deadline());
    AddressFact fact = address_on(kDish, "2001:db8:ffff::1");
    fact.valid_until = now_ + seconds(300);
    fact.preferred_until = now_ + seconds(150);
    tracker_->set_address(fact);
    (void)settle();
    EXPECT_EQ(tracker_->deadline(), now_ + seconds(150));
    EXPECT_EQ(after(seconds(150)), "dish.onlink: 2001:db8:ffff::/64 is deprecated");
    EXPECT_EQ(tracker_->deadline(), now_ + seconds(150));
    EXPECT_EQ(after(seconds(150)),
              "dish.onlink: 2001:db8:ffff::/64 is withdrawn, open flows live on for 300 s");
    EXPECT_EQ(tracker_->deadline(), now_ + seconds(300));
    EXPECT_EQ(after(seconds(300)), "dish.onlink: 2001:db8:ffff::/64 is gone");
    EXPECT_FALSE(tracker_->deadline());
}

TEST_F(PrefixTrackerTest, list_has_the_longest_lifetimes) {
    begin({pd()});
    route("2001:db8:1100::/56");
    AddressFact a = address_on(kLan, "2001:db8:1100:1::1"), b = address_on(kLan, "2001:db8:1100:2::1");
    a.valid_until = now_ + seconds(300);
    b.valid_until = now_ + seconds(600);
    b.preferred_until = now_ + seconds(10);
    tracker_->set_address(a);
    tracker_->set_address(b);
    (void)settle();
    EXPECT_EQ(tracker_->list().at(0).valid_until, now_ + seconds(600));
    EXPECT_FALSE(tracker_->list().at(0).preferred_until) << "one address is preferred forever";
}

// ---- renumbering

TEST_F(PrefixTrackerTest, old_and_new_are_live_together_then_grace_then_gone) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    route("2001:db8:2200::/56");
    EXPECT_EQ(after(seconds(10)), "dish.pd: 2001:db8:2200::/56 is new");
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 preferred, dish.pd 2001:db8:2200::/56 preferred");
    no_route("2001:db8:1100::/56");
    EXPECT_EQ(after(seconds(10)), "dish.pd: 2001:db8:1100::/56 is withdrawn, open flows live on for 300 s");
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace, dish.pd 2001:db8:2200::/56 preferred");
    EXPECT_EQ(after(seconds(299)), "");
    EXPECT_EQ(after(seconds(1)), "dish.pd: 2001:db8:1100::/56 is gone");
    EXPECT_EQ(now(), "dish.pd 2001:db8:2200::/56 preferred");
}

// R32
TEST_F(PrefixTrackerTest, flap_within_a_burst_is_nothing) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), "");
}

TEST_F(PrefixTrackerTest, return_within_grace_is_live_at_once_and_the_next_grace_is_whole) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    for (int flap = 0; flap < 5; ++flap) {
        no_route("2001:db8:1100::/56");
        EXPECT_EQ(after(seconds(1)),
                  "dish.pd: 2001:db8:1100::/56 is withdrawn, open flows live on for 300 s");
        route("2001:db8:1100::/56");
        EXPECT_EQ(after(seconds(200)), "dish.pd: 2001:db8:1100::/56 is back");
        EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 preferred");
    }
}

TEST_F(PrefixTrackerTest, no_grace_means_gone_at_once) {
    begin({pd()}, 0);
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), "dish.pd: 2001:db8:1100::/56 is gone");
    EXPECT_EQ(now(), "");
}

TEST_F(PrefixTrackerTest, length_changes_56_to_60) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    route("2001:db8:1100:30::/60");
    (void)after(seconds(1));
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace, dish.pd 2001:db8:1100:30::/60 preferred");
    const auto inside = locate(tracker_->own(), addr("2001:db8:1100:31::1"));
    EXPECT_EQ(tracker_->own().prefixes.at(inside.value().slot).state, DW_PREFIX_PREFERRED);
    (void)after(seconds(300));
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100:30::/60 preferred");
}

TEST_F(PrefixTrackerTest, withdrawn_prefix_inside_a_live_one_does_not_shadow_it) {
    begin({pd()});
    route("2001:db8:1100:30::/60");
    (void)settle();
    no_route("2001:db8:1100:30::/60");
    route("2001:db8:1100::/56");
    EXPECT_EQ(after(seconds(1)),
              "dish.pd: 2001:db8:1100:30::/60 is withdrawn, open flows live on for 300 s; "
              "dish.pd: 2001:db8:1100:30::/60 is gone, now part of 2001:db8:1100::/56 (dish.pd); "
              "dish.pd: 2001:db8:1100::/56 is new");
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 preferred");
}

// R32
TEST_F(PrefixTrackerTest, hundred_renumberings_stay_bounded) {
    begin({pd(), ra()});
    for (unsigned n = 0; n < 100; ++n) {
        const std::string prefix = fmt::format("2001:db8:{:x}00::/56", n + 1);
        if (n > 0) no_route(fmt::format("2001:db8:{:x}00::/56", n));
        route(prefix);
        (void)after(seconds(1));
        ASSERT_LE(tracker_->own().prefixes.size(), std::size_t{DW_PREFIXES});
        ASSERT_LE(tracker_->list().size(), std::size_t{DW_PREFIXES});
        dw_own encoded{};
        ASSERT_TRUE(encode(tracker_->own(), &encoded));
        const auto slot = locate(tracker_->own(), pfx(prefix).first());
        ASSERT_TRUE(slot);
        ASSERT_EQ(tracker_->own().prefixes.at(slot->slot).state, DW_PREFIX_PREFERRED);
    }
    (void)after(seconds(300));
    EXPECT_EQ(now(), "dish.pd 2001:db8:6400::/56 preferred");
}

// ---- the line down

TEST_F(PrefixTrackerTest, grace_stands_still_while_the_line_is_down) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)after(seconds(1));
    tracker_->set_link(wan(false));
    (void)after(seconds(100));  // 100 of 300 s used
    EXPECT_FALSE(tracker_->deadline());
    EXPECT_EQ(tracker_->list().at(0).grace_left, seconds(200));
    EXPECT_EQ(after(seconds(100'000)), "");
    tracker_->set_link(wan(true));
    (void)settle();
    EXPECT_EQ(tracker_->deadline(), now_ + seconds(200));
    EXPECT_EQ(tracker_->list().at(0).grace_until, now_ + seconds(200));
    EXPECT_EQ(after(seconds(199)), "");
    EXPECT_EQ(after(seconds(1)), "dish.pd: 2001:db8:1100::/56 is gone");
}

TEST_F(PrefixTrackerTest, link_down_takes_addresses_but_their_prefix_only_begins_its_grace) {
    begin({ra()});
    tracker_->set_address(address_on(kDish, "2001:db8:ffff::1"));
    (void)settle();
    tracker_->set_link(wan(false));
    tracker_->remove_address(kDish, addr("2001:db8:ffff::1"));
    (void)after(seconds(1));
    EXPECT_EQ(now(), "dish.onlink 2001:db8:ffff::/64 grace onlink");
    tracker_->set_link(wan(true));
    tracker_->set_address(address_on(kDish, "2001:db8:ffff::1"));
    EXPECT_EQ(after(seconds(3600)),
              "dish.onlink: 2001:db8:ffff::/64 is back; address 2001:db8:ffff::1 is this box's");
}

TEST_F(PrefixTrackerTest, interface_deleted_and_made_again_has_another_index) {
    begin({ra()});
    tracker_->set_address(address_on(kDish, "2001:db8:ffff::1"));
    (void)settle();
    tracker_->remove_link(kDish);
    (void)after(seconds(1));
    EXPECT_FALSE(tracker_->uplink());
    EXPECT_FALSE(tracker_->line_up());
    EXPECT_TRUE(tracker_->own().self.empty()) << "its addresses went with it";
    tracker_->set_link(wan(true, 77));
    tracker_->set_address(address_on(77, "2001:db8:ffff::1"));
    (void)after(seconds(1));
    EXPECT_EQ(tracker_->uplink()->index, 77u);
    EXPECT_EQ(now(), "dish.onlink 2001:db8:ffff::/64 preferred onlink");
}

// ---- resync

TEST_F(PrefixTrackerTest, resync_that_finds_the_same_changes_nothing) {
    begin({pd(), ra()});
    const auto tell_all = [this] {
        tracker_->set_link(wan(true));
        tracker_->set_address(address_on(kDish, "2001:db8:ffff::1"));
        route("2001:db8:1100::/56");
    };
    tell_all();
    (void)settle();
    const Own before = tracker_->own();
    tracker_->forget_facts();
    tell_all();
    EXPECT_EQ(after(seconds(1)), "");
    EXPECT_EQ(tracker_->own(), before);
}

TEST_F(PrefixTrackerTest, resync_finds_what_was_missed) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    tracker_->forget_facts();
    tracker_->set_link(wan(true));
    route("2001:db8:2200::/56");
    EXPECT_EQ(settle(),
              "dish.pd: 2001:db8:1100::/56 is withdrawn, open flows live on for 300 s; "
              "dish.pd: 2001:db8:2200::/56 is new");
}

// ---- more prefixes than there is room

TEST_F(PrefixTrackerTest, ninth_delegation_takes_the_place_of_the_oldest_until_one_goes) {
    begin({pd()}, 0);
    for (int n = 1; n <= 8; ++n) {
        route(fmt::format("2001:db8:{}00::/56", n));
        (void)after(seconds(1));
    }
    route("2001:db8:900::/56");
    EXPECT_EQ(settle(),
              "dish.pd: 2001:db8:900::/56 is new; "
              "dish.pd: 2001:db8:100::/56 has no room beside 8 others and is not ours");
    EXPECT_EQ(settle(), "") << "told once";
    EXPECT_EQ(tracker_->own().prefixes.size(), 8u);
    no_route("2001:db8:300::/56");
    EXPECT_EQ(settle(), "dish.pd: 2001:db8:300::/56 is gone; dish.pd: 2001:db8:100::/56 is new");
}

TEST_F(PrefixTrackerTest, ninth_onlink_prefix_has_no_room_until_one_goes) {
    begin({ra()}, 0);
    for (int n = 1; n <= 8; ++n) {
        tracker_->set_address(address_on(kDish, fmt::format("2001:db8:f:{}::1", n)));
        (void)after(seconds(1));
    }
    tracker_->set_address(address_on(kDish, "2001:db8:f:9::1"));
    EXPECT_EQ(settle(),
              "dish.onlink: 2001:db8:f:9::/64 has no room beside 8 others and is not ours; "
              "address 2001:db8:f:9::1 is this box's");
    tracker_->remove_address(kDish, addr("2001:db8:f:3::1"));
    EXPECT_EQ(settle(),
              "dish.onlink: 2001:db8:f:3::/64 is gone; dish.onlink: 2001:db8:f:9::/64 is new; "
              "address 2001:db8:f:3::1 is no longer this box's");
}

TEST_F(PrefixTrackerTest, oldest_grace_gives_way_first) {
    begin({pd()});
    for (int n = 1; n <= 8; ++n) {
        route(fmt::format("2001:db8:{}00::/56", n));
        (void)after(seconds(1));
    }
    no_route("2001:db8:500::/56");
    (void)after(seconds(1));
    no_route("2001:db8:200::/56");
    (void)after(seconds(1));
    route("2001:db8:900::/56");
    EXPECT_EQ(settle(),
              "dish.pd: 2001:db8:900::/56 is new; dish.pd: 2001:db8:500::/56 is gone before its time: 8 "
              "prefixes are "
              "newer");
}

TEST_F(PrefixTrackerTest, rogue_onlink_prefixes_cannot_keep_out_a_delegation) {
    begin({pd(), ra()});
    for (int n = 1; n <= 30; ++n)
        tracker_->set_address(address_on(kDish, fmt::format("2001:db8:bad:{:x}::1", n)));
    (void)settle();
    route("2001:db8:1100::/56");
    (void)after(seconds(1));
    EXPECT_EQ(tracker_->own().prefixes.size(), 8u);
    EXPECT_EQ(tracker_->own().prefixes.at(0).prefix, pfx("2001:db8:1100::/56"));
}

// ---- restart (R33)

TEST_F(PrefixTrackerTest, restart_keeps_the_rest_of_a_grace_period) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)after(seconds(1));
    (void)after(seconds(100));
    daemon_down_ = seconds(50);
    restart();
    tracker_->set_link(wan(true));
    EXPECT_EQ(settle(), "") << "nothing new";
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace");
    EXPECT_EQ(after(seconds(149)), "");
    EXPECT_EQ(after(seconds(1)), "dish.pd: 2001:db8:1100::/56 is gone");
}

TEST_F(PrefixTrackerTest, restart_does_not_count_time_while_the_line_was_down) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)after(seconds(1));
    tracker_->set_link(wan(false));
    (void)after(seconds(100));
    daemon_down_ = seconds(5000);
    restart();
    (void)settle();
    EXPECT_EQ(tracker_->list().at(0).grace_left, seconds(200));
}

TEST_F(PrefixTrackerTest, restart_after_the_grace_period_forgets) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)after(seconds(1));
    daemon_down_ = seconds(300);
    restart();
    (void)settle();
    EXPECT_EQ(now(), "");
}

TEST_F(PrefixTrackerTest, prefix_that_vanished_while_no_daemon_ran_gets_its_grace) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)settle();
    daemon_down_ = seconds(5);
    restart();
    tracker_->set_link(wan(true));
    route("2001:db8:2200::/56");
    EXPECT_EQ(settle(),
              "dish.pd: 2001:db8:1100::/56 is withdrawn, open flows live on for 300 s; "
              "dish.pd: 2001:db8:2200::/56 is new");
}

TEST_F(PrefixTrackerTest, load_with_other_sources_carries_states_by_name) {
    begin({ra(), pd()});
    route("2001:db8:1100::/56");
    tracker_->set_address(address_on(kDish, "2001:db8:ffff::1"));
    (void)settle();
    no_route("2001:db8:1100::/56");
    (void)after(seconds(1));
    restart(uplink_with({pd()}, 60));
    tracker_->set_link(wan(true));
    (void)settle();
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace");
    EXPECT_EQ(tracker_->own().prefixes.at(0).source, 0u);
    EXPECT_EQ(tracker_->list().at(0).grace_until, now_ + seconds(60))
        << "never longer than the file says now";
}

TEST_F(PrefixTrackerTest, saved_state_that_makes_no_sense_is_refused_whole) {
    const std::string head = R"({"format":1,"uplink":"dish","saved_at_ns":0,"line_up":true,"prefixes":)";
    const struct {
        std::string saved, error;
    } kCases[] = {
        {"[]", "not a saved prefix state: [json.exception.type_error.304] cannot use at() with array"},
        {R"({"format":3})", "format 3 is not known here"},
        {head + "7}",
         "not a saved prefix state: [json.exception.type_error.304] cannot use at() with number"},
        {head + R"([{"source":"pd","prefix":"2001:db8::/56","state":"preferred"},{"source":3}]})",
         "not a saved prefix state: [json.exception.type_error.302] type must be string, but is number"},
    };
    for (const auto& c : kCases) {
        PrefixTracker tracker{uplink_with({pd()})};
        const Result<void> restored =
            tracker.from_json(nlohmann::json::parse(c.saved), Instant{now_, seconds(1), ""});
        ASSERT_FALSE(restored) << c.saved;
        EXPECT_EQ(restored.error().message, c.error);
        EXPECT_TRUE(tracker.list().empty());
    }
}

TEST_F(PrefixTrackerTest, saved_prefixes_that_cannot_be_are_left_out) {
    PrefixTracker tracker{uplink_with({pd()})};
    const char* kSaved = R"({"format":1,"uplink":"dish","saved_at_ns":0,"line_up":true,"prefixes":[
        {"source":"pd","prefix":"2001:db8::1/56","state":"preferred"},
        {"source":"pd","prefix":"2001:db8::/12","state":"preferred"},
        {"source":"pd","prefix":"2001:db8::/5x","state":"preferred"},
        {"source":"pd","prefix":"2001:db8::","state":"preferred"},
        {"source":"other","prefix":"2001:db8::/56","state":"preferred"},
        {"source":"pd","prefix":"2001:db8::/56","state":"none"},
        {"source":"pd","prefix":"2001:db8:2::/56","state":"grace","grace_left_ns":-5},
        {"source":"pd","prefix":"2001:db8:1::/56","state":"grace","grace_left_ns":9223372036854775807}]})";
    ASSERT_TRUE(tracker.from_json(nlohmann::json::parse(kSaved), Instant{now_, {}, ""}));
    (void)tracker.settle(now_);
    EXPECT_EQ(prefixes_of(tracker), "dish.pd 2001:db8:1::/56 grace");
}

}  // namespace
}  // namespace dishwall
