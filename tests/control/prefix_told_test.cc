// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl prefix set` and `withdraw`: what is told beside the routes, how it ends, and what a restart keeps.
#include "tests/control/prefix_tracker_test.h"

namespace dishwall {
namespace {

class PrefixToldTest : public PrefixTrackerTest {};

constexpr const char* kWithdrawn = "dish.pd: 2001:db8:1100::/56 is withdrawn, open flows live on for 300 s";
constexpr const char* kNew = "dish.pd: 2001:db8:1100::/56 is new";
constexpr const char* kBack = "dish.pd: 2001:db8:1100::/56 is back";
constexpr const char* kGone = "dish.pd: 2001:db8:1100::/56 is gone";

// ---- told by hand

TEST_F(PrefixToldTest, told_prefix_needs_no_route_and_has_its_own_times) {
    begin({pd()});
    EXPECT_EQ(tell("2001:db8:1100::/56", seconds(300), seconds(150)), "");
    EXPECT_EQ(settle(), kNew);
    EXPECT_TRUE(tracker_->list().at(0).told);
    EXPECT_EQ(tracker_->list().at(0).valid_until, now_ + seconds(300));
    EXPECT_EQ(tracker_->deadline(), now_ + seconds(150));
    EXPECT_EQ(after(seconds(150)), "dish.pd: 2001:db8:1100::/56 is deprecated");
    EXPECT_EQ(tracker_->deadline(), now_ + seconds(150));
    EXPECT_EQ(after(seconds(150)), kWithdrawn) << "a client that died tells no end";
    EXPECT_EQ(after(seconds(300)), kGone);
}

TEST_F(PrefixToldTest, telling_again_is_a_refresh) {
    begin({pd()});
    for (int n = 0; n < 20; ++n) {
        EXPECT_EQ(tell("2001:db8:1100::/56", seconds(300), seconds(150)), "");
        EXPECT_EQ(after(seconds(100)), n == 0 ? kNew : "");
    }
}

TEST_F(PrefixToldTest, times_may_be_forever) {
    begin({pd()});
    ASSERT_TRUE(tracker_->set_told("dish.pd", pfx("2001:db8:1100::/56"), {}, {}));
    EXPECT_EQ(settle(), kNew);
    EXPECT_FALSE(tracker_->deadline());
    EXPECT_EQ(after(seconds(1'000'000)), "");
}

TEST_F(PrefixToldTest, told_with_no_time_left_is_a_withdrawal) {
    begin({pd()});
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(150));
    (void)settle();
    EXPECT_EQ(tell("2001:db8:1100::/56", seconds(0), seconds(0)), "");
    EXPECT_EQ(settle(), kWithdrawn);
}

TEST_F(PrefixToldTest, told_wins_over_the_routes_of_its_source) {
    begin({pd(), PrefixSource{"other", FromDhcpv6Pd{7}, {}}});
    route("2001:db8:1100::/56");
    tracker_->set_route({pfx("2001:db8:7700::/56"), 254, 7});
    (void)settle();
    EXPECT_EQ(tell("2001:db8:2200::/60", seconds(100), seconds(100)), "");
    (void)settle();
    EXPECT_EQ(now(),
              "dish.pd 2001:db8:1100::/56 grace, dish.pd 2001:db8:2200::/60 preferred, "
              "dish.other 2001:db8:7700::/56 preferred")
        << "routes of the other source count on, and its prefix is not shadowed by one in grace";
}

TEST_F(PrefixToldTest, when_told_ends_other_routes_carry_again) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)tell("2001:db8:2200::/60", seconds(100), seconds(100));
    (void)settle();
    EXPECT_EQ(now(), "dish.pd 2001:db8:2200::/60 preferred");
    (void)after(seconds(100));
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 preferred, dish.pd 2001:db8:2200::/60 grace");
}

TEST_F(PrefixToldTest, withdrawn_prefix_is_not_brought_back_by_the_route_that_stood) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(300));
    EXPECT_EQ(settle(), kNew);
    EXPECT_EQ(untell(), "");
    EXPECT_EQ(settle(), kWithdrawn);
    route("2001:db8:1100::/56");  // told again by netlink, but it never went
    lan_address("2001:db8:1100:1::1", seconds(1000));
    EXPECT_EQ(after(seconds(10)), "address 2001:db8:1100:1::1 is this box's");
    no_route("2001:db8:1100::/56");
    route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), kBack) << "it went and came, if only within a burst";
}

TEST_F(PrefixToldTest, told_prefix_that_ran_out_is_not_brought_back_either) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)tell("2001:db8:1100::/56", seconds(100), seconds(100));
    (void)settle();
    EXPECT_EQ(after(seconds(100)), kWithdrawn);
    EXPECT_EQ(after(seconds(10)), "");
    EXPECT_EQ(tell("2001:db8:1100::/56", seconds(100), seconds(100)), "");
    EXPECT_EQ(settle(), kBack) << "telling always does";
}

TEST_F(PrefixToldTest, another_route_for_a_withdrawn_prefix_is_news) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(300));
    (void)settle();
    (void)untell();
    (void)settle();
    tracker_->set_route({pfx("2001:db8:1100::/56"), 254, 2048});
    EXPECT_EQ(after(seconds(1)), kBack);
}

TEST_F(PrefixToldTest, resync_does_not_bring_a_withdrawn_prefix_back) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(300));
    (void)settle();
    (void)untell(pfx("2001:db8:1100::/56"));
    (void)settle();
    tracker_->forget_facts();
    tell_links();
    route("2001:db8:1100::/56");
    EXPECT_EQ(after(seconds(1)), "");
    tracker_->forget_facts();
    tell_links();
    EXPECT_EQ(after(seconds(1)), "") << "now the route is found missing";
    route("2001:db8:1100::/56");
    EXPECT_EQ(after(seconds(1)), kBack);
}

TEST_F(PrefixToldTest, resync_keeps_what_was_told) {
    begin({pd()});
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(300));
    (void)settle();
    tracker_->forget_facts();
    tell_links();
    EXPECT_EQ(after(seconds(1)), "");
}

TEST_F(PrefixToldTest, withdrawing_without_a_prefix_ends_all_of_the_source) {
    begin({pd()});
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(300));
    (void)tell("2001:db8:2200::/56", seconds(300), seconds(300));
    (void)settle();
    EXPECT_EQ(untell(), "");
    (void)settle();
    EXPECT_EQ(now(), "dish.pd 2001:db8:1100::/56 grace, dish.pd 2001:db8:2200::/56 grace");
}

TEST_F(PrefixToldTest, ninth_told_prefix_ends_the_one_told_longest_ago) {
    begin({pd()}, 0);
    for (int n = 1; n <= 8; ++n) (void)tell(fmt::format("2001:db8:{}00::/56", n), seconds(300), seconds(300));
    (void)tell("2001:db8:100::/56", seconds(300), seconds(300));
    (void)settle();
    (void)tell("2001:db8:900::/56", seconds(300), seconds(300));
    EXPECT_EQ(settle(), "dish.pd: 2001:db8:200::/56 is gone; dish.pd: 2001:db8:900::/56 is new");
}

TEST_F(PrefixToldTest, what_cannot_be_told_is_refused_with_the_reason) {
    begin({pd(), ra(), fixed("2001:db8:aa00::/56")});
    const struct {
        const char *source, *prefix;
        int valid, preferred;
        const char* error;
    } kCases[] = {
        {"dish.dp", "2001:db8::/56", 9, 9, "no prefix is called dish.dp; these can be told: dish.pd"},
        {"dish.onlink", "2001:db8::/64", 9, 9,
         "dish.onlink is not `from dhcpv6-pd`: only such a prefix can be told"},
        {"dish.fixed", "2001:db8::/56", 9, 9,
         "dish.fixed is not `from dhcpv6-pd`: only such a prefix can be told"},
        {"dish.pd", "2001:db8::/47", 9, 9,
         "2001:db8::/47 cannot be a delegation: it needs a length from /48 to /64 inside 2000::/3"},
        {"dish.pd", "2001:db8::/65", 9, 9,
         "2001:db8::/65 cannot be a delegation: it needs a length from /48 to /64 inside 2000::/3"},
        {"dish.pd", "fd00:1::/56", 9, 9,
         "fd00:1::/56 cannot be a delegation: it needs a length from /48 to /64 inside 2000::/3"},
        {"dish.pd", "2001:db8::/56", 8, 9, "2001:db8::/56 cannot be preferred for longer than it is valid"},
    };
    for (const auto& c : kCases) {
        const auto done =
            tracker_->set_told(c.source, pfx(c.prefix), now_ + seconds(c.valid), now_ + seconds(c.preferred));
        ASSERT_FALSE(done) << c.error;
        EXPECT_EQ(done.error().message, c.error);
    }
    EXPECT_EQ(untell(), "nothing to withdraw: a prefix is not told for dish.pd");
    EXPECT_EQ(untell(pfx("2001:db8::/56")), "nothing to withdraw: 2001:db8::/56 is not told for dish.pd");
    tracker_.emplace(uplink_with({ra()}));
    EXPECT_EQ(tell("2001:db8::/56", seconds(9), seconds(9)),
              "no prefix is called dish.pd, and none is `from dhcpv6-pd`");
}

// ---- told, across a restart

TEST_F(PrefixToldTest, restart_keeps_told_prefixes_and_their_ends) {
    begin({pd()});
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(150));
    (void)settle();
    daemon_down_ = seconds(100);
    wall_jump_ = seconds(-1'000'000);  // of no concern within one boot
    restart();
    tell_links();
    EXPECT_EQ(settle(), "");
    EXPECT_EQ(after(seconds(50)), "dish.pd: 2001:db8:1100::/56 is deprecated");
    EXPECT_EQ(after(seconds(150)), kWithdrawn);
}

TEST_F(PrefixToldTest, told_prefix_that_ran_out_while_no_daemon_ran_takes_its_route_along) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(150));
    (void)settle();
    daemon_down_ = seconds(300);
    restart();
    tell_links();
    route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), kWithdrawn);
    EXPECT_EQ(after(seconds(1)), "");
}

TEST_F(PrefixToldTest, restart_does_not_bring_a_withdrawn_prefix_back) {
    begin({pd()});
    route("2001:db8:1100::/56");
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(150));
    (void)settle();
    (void)untell();
    (void)settle();
    restart();
    tell_links();
    route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), "");
    EXPECT_EQ(after(seconds(300)), kGone);
    EXPECT_EQ(after(seconds(300)), "");
    restart({}, "next boot");
    tell_links();
    route("2001:db8:1100::/56");
    EXPECT_EQ(settle(), kNew) << "after a boot each route is a new one";
}

TEST_F(PrefixToldTest, across_a_boot_the_wall_clock_tells_and_one_set_back_ends_told_prefixes) {
    begin({pd()});
    (void)tell("2001:db8:1100::/56", seconds(300), seconds(300));
    (void)settle();
    const nlohmann::json saved = tracker_->to_json({now_, wall_, "this boot"});
    const struct {
        seconds passed;
        const char* changes;
    } kCases[] = {{seconds(100), ""}, {seconds(300), kWithdrawn}, {seconds(-1), kWithdrawn}};
    for (const auto& c : kCases) {
        tracker_.emplace(uplink_);
        now_ = seconds(5);
        ASSERT_TRUE(tracker_->from_json(saved, {now_, wall_ + c.passed, "next boot"}));
        tell_links();
        EXPECT_EQ(settle(), c.changes) << c.passed.count();
        if (std::string(c.changes).empty()) {
            EXPECT_EQ(tracker_->list().at(0).valid_until, now_ + seconds(200));
        }
    }
}

}  // namespace
}  // namespace dishwall
