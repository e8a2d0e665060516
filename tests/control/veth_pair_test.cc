// SPDX-License-Identifier: BSD-3-Clause
//
// The pair of devices to the inspector, in a network namespace of this process's own. Needs root.
#include "control/inspection/veth_pair.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace dishwall {
namespace {

constexpr unsigned kMtu = 1500, kLargerMtu = 9000;

class VethPairTest : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        ASSERT_EQ(std::system("ip link set lo up"), 0);
    }
    Device make(unsigned mtu = kMtu) {
        const Result<Device> ours = make_pair(pair_, mtu);
        EXPECT_TRUE(ours) << ours.error().message;
        return ours.value_or(Device{});
    }
    static unsigned index_of(const std::string& name) { return ::if_nametoindex(name.c_str()); }
    static unsigned mtu(const std::string& name) {
        const Result<unsigned> is = mtu_of({name, index_of(name)});
        EXPECT_TRUE(is) << is.error().message;
        return is.value_or(0);
    }
    static bool is_up(const std::string& name) {
        return std::system(("ip -o link show dev " + name + " | grep -q 'LOWER_UP'").c_str()) == 0;
    }

    const VethPair pair_ = pair_for("wan", 0);
};

TEST_F(VethPairTest, is_made_up_and_as_large_as_the_uplink) {
    const Device ours = make();
    EXPECT_EQ(ours.name, "dwi0-wan");
    EXPECT_EQ(ours.index, index_of(pair_.ours));
    for (const std::string& end : {pair_.ours, pair_.theirs}) {
        EXPECT_NE(index_of(end), 0U) << end;
        EXPECT_EQ(mtu(end), kMtu) << end;
        EXPECT_TRUE(is_up(end)) << end;
    }
}

// A daemon that starts anew must not take the inspector's interface away.
TEST_F(VethPairTest, pair_of_a_former_daemon_is_taken_over) {
    const unsigned ours = make().index, theirs = index_of(pair_.theirs);
    EXPECT_EQ(make().index, ours);
    EXPECT_EQ(index_of(pair_.theirs), theirs);
    ASSERT_EQ(std::system(("ip link set dev " + pair_.theirs + " down").c_str()), 0);
    ASSERT_FALSE(is_up(pair_.ours));
    make();
    EXPECT_TRUE(is_up(pair_.ours));
}

TEST_F(VethPairTest, mtu_follows_the_uplink) {
    make();
    for (const unsigned wanted : {kLargerMtu, 1280U}) {
        make(wanted);
        EXPECT_EQ(mtu(pair_.ours), wanted);
        EXPECT_EQ(mtu(pair_.theirs), wanted);
    }
}

// An address would make the kernel speak there: solicitations, multicast reports.
TEST_F(VethPairTest, neither_end_gets_an_address) {
    ASSERT_EQ(std::system("ip link add other type veth peer name another && ip link set another up && "
                          "ip link set other up"),
              0);
    make();
    make();
    const auto addresses_of = [](const std::string& end) {
        std::ifstream all("/proc/self/net/if_inet6");
        std::string address, index, length, scope, flags, name;
        unsigned seen = 0;
        while (all >> address >> index >> length >> scope >> flags >> name) seen += name == end;
        return seen;
    };
    ASSERT_EQ(addresses_of("other"), 1U) << "an ordinary device has its link-local address by now";
    EXPECT_EQ(addresses_of(pair_.ours), 0U);
    EXPECT_EQ(addresses_of(pair_.theirs), 0U);
}

TEST_F(VethPairTest, is_removed_whole_and_only_once) {
    make();
    for (int time = 0; time < 2; ++time) {
        const Result<void> removed = remove_pair(pair_);
        ASSERT_TRUE(removed) << removed.error().message;
        EXPECT_EQ(index_of(pair_.ours), 0U);
        EXPECT_EQ(index_of(pair_.theirs), 0U);
    }
}

// Somebody else's device of that name is no pair of ours: what is wrong is said.
TEST_F(VethPairTest, device_of_somebody_else_is_not_taken_for_one) {
    ASSERT_EQ(std::system(("ip link add " + pair_.ours + " type bridge").c_str()), 0);
    EXPECT_FALSE(make_pair(pair_, kMtu));
}

}  // namespace
}  // namespace dishwall
