// SPDX-License-Identifier: BSD-3-Clause
//
// Prefixes that end, or do not, against a real kernel: leases whose route stays, told prefixes, a dish that
// reboots, and all of it over a restart. Needs root.
#include <nlohmann/json.hpp>

#include "tests/control/line_lab.h"

namespace dishwall {
namespace {

class PrefixFollowerTest : public LineLab {
protected:
    std::string tell(const char* prefix, int valid) {
        const auto done = follower_->tell_prefix("dish.pd", pfx(prefix), seconds(valid), seconds(valid));
        return done ? "" : done.error().message;
    }
    std::string withdraw() {
        const auto done = follower_->withdraw_prefix("dish.pd", {});
        return done ? "" : done.error().message;
    }
    static dw_prefix_state state_in(const Own& own) {
        return own.prefixes.empty() ? DW_PREFIX_NONE : own.prefixes.front().state;
    }
};

TEST_F(PrefixFollowerTest, lease_that_the_kernel_let_expire_ends_though_the_route_stays) {
    ip("route add unreachable 2001:db8:1100::/56 dev lo proto dhcp");
    ip("addr add 2001:db8:1100:1::1/64 dev lan0 valid_lft 2 preferred_lft 2 nodad");
    EXPECT_EQ(state_in(start({pd()})), DW_PREFIX_PREFERRED);
    run_for(milliseconds(3500));
    EXPECT_EQ(state_in(follower_->own()), DW_PREFIX_GRACE);

    follower_.reset();
    EXPECT_EQ(state_in(start({pd()})), DW_PREFIX_GRACE) << "the route alone says nothing to the next daemon";
    EXPECT_EQ(warnings_, "");
    (void)nothing();
    ip("addr add 2001:db8:1100:1::1/64 dev lan0 valid_lft 300 preferred_lft 300 nodad");
    EXPECT_EQ(next(), "dish.pd: 2001:db8:1100::/56 is back; address 2001:db8:1100:1::1 is this box's\n");
}

TEST_F(PrefixFollowerTest, route_set_again_by_its_client_is_a_new_lease) {
    ip("route add unreachable 2001:db8:1100::/56 dev lo proto dhcp");
    ip("addr add 2001:db8:1100:1::1/64 dev lan0 valid_lft 1 preferred_lft 1 nodad");
    (void)start({pd()});
    run_for(milliseconds(2500));
    ASSERT_EQ(state_in(follower_->own()), DW_PREFIX_GRACE);
    ip("route replace unreachable 2001:db8:1100::/56 dev lo proto dhcp");
    run_for(milliseconds(100));
    EXPECT_EQ(state_in(follower_->own()), DW_PREFIX_PREFERRED);
}

TEST_F(PrefixFollowerTest, told_prefix_ends_by_its_time_and_its_route_does_not_bring_it_back) {
    ip("route add unreachable 2001:db8:1100::/56 dev lo proto dhcp");
    (void)start({pd()});
    ASSERT_EQ(tell("2001:db8:1100::/56", 1), "");
    EXPECT_EQ(nothing(), "");
    run_for(milliseconds(1200));
    EXPECT_EQ(next(), "dish.pd: 2001:db8:1100::/56 is withdrawn, open flows live on for 300 s\n");
    follower_.reset();
    EXPECT_EQ(state_in(start({pd()})), DW_PREFIX_GRACE);
    ip("route del unreachable 2001:db8:1100::/56 dev lo");
    ip("route add unreachable 2001:db8:1100::/56 dev lo proto dhcp");
    EXPECT_EQ(next(), "dish.pd: 2001:db8:1100::/56 is back\n");
}

TEST_F(PrefixFollowerTest, told_prefix_is_kept_by_a_restart_until_withdrawn) {
    (void)start({pd()});
    ASSERT_EQ(tell("2001:db8:1100::/60", 300), "");
    EXPECT_EQ(next(), "dish.pd: 2001:db8:1100::/60 is new\n");
    follower_.reset();
    EXPECT_EQ(state_in(start({pd()})), DW_PREFIX_PREFERRED);
    ASSERT_EQ(withdraw(), "");
    EXPECT_EQ(next(), "dish.pd: 2001:db8:1100::/60 is withdrawn, open flows live on for 300 s\n");
    EXPECT_EQ(withdraw(), "nothing to withdraw: a prefix is not told for dish.pd");
}

TEST_F(PrefixFollowerTest, grace_stands_still_while_the_dish_reboots) {
    ip("addr add 100.101.102.103/10 dev wan");
    ip("route add unreachable 2001:db8:1100::/56 dev lo proto dhcp");
    (void)start({pd()}, 2);
    EXPECT_EQ(follower_->line_json()["ipv4"]["text"], "online behind CGNAT");
    ip("addr add 192.168.100.100/24 dev wan");
    ip("addr del 100.101.102.103/10 dev wan");
    ip("route del unreachable 2001:db8:1100::/56 dev lo");
    run_for(milliseconds(3000));
    EXPECT_EQ(follower_->line_json()["ipv4"]["state"], "dish-not-connected");
    EXPECT_EQ(follower_->line_json()["up"], false);
    EXPECT_EQ(state_in(follower_->own()), DW_PREFIX_GRACE) << "longer than its 2 s";

    follower_.reset();
    EXPECT_EQ(state_in(start({pd()}, 2)), DW_PREFIX_GRACE);
    run_for(milliseconds(2500));
    EXPECT_EQ(state_in(follower_->own()), DW_PREFIX_GRACE);
    ip("addr add 100.101.102.103/10 dev wan");
    run_for(milliseconds(2500));
    EXPECT_EQ(state_in(follower_->own()), DW_PREFIX_NONE);
}

TEST_F(PrefixFollowerTest, metric_tells_the_delegations_of_two_clients_apart) {
    ip("route add unreachable 2001:db8:1100::/56 dev lo proto dhcp metric 512");
    ip("route add unreachable 2001:db8:2200::/56 dev lo proto dhcp metric 2048");
    const Own own = start({pd(2048)});
    ASSERT_EQ(own.prefixes.size(), 1u);
    EXPECT_EQ(own.prefixes[0].prefix, pfx("2001:db8:2200::/56"));
    ip("route add unreachable 2001:db8:3300::/56 dev lo proto dhcp metric 512");
    EXPECT_EQ(nothing(), "");
}

}  // namespace
}  // namespace dishwall
