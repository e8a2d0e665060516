// SPDX-License-Identifier: BSD-3-Clause
//
// The table of addresses of learnt hosts, as the packet core reads it: each address is found in one of its two
// lines, whatever else is known; and what a host loses is counted.
#include "rules/own.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

namespace dishwall::test {
namespace {

class OwnTable : public testing::Test {
protected:
    void encode_learnt(std::vector<LearntAddress> learnt) {
        own_.learnt = std::move(learnt);
        ASSERT_TRUE(encode(own_, table_.get()));
    }
    // As dw_recall looks.
    std::vector<std::uint32_t> hosts_at(const Ipv6Address& address) const {
        for (const unsigned choice : {0u, 1u})
            for (const dw_learnt& way : table_->learnt[dw_learnt_line({address.hi, address.lo}, choice)])
                if (way.address.hi == address.hi && way.address.lo == address.lo)
                    return {way.host, std::find(std::begin(way.host), std::end(way.host), 0u)};
        return {};
    }

    Own own_;
    std::unique_ptr<dw_own> table_ = std::make_unique<dw_own>();
};

TEST_F(OwnTable, FindsEachOfAsManyAddressesAsTheLayoutHolds) {
    std::mt19937_64 random(7);
    for (const bool in_one_subnet : {true, false}) {
        std::vector<LearntAddress> learnt;
        for (std::uint32_t i = 0; i < DW_LEARNT_MAX; ++i)
            learnt.push_back({{in_one_subnet ? 0x2001'0db8'aa00'0001ull : random(), random()}, i + 1});
        encode_learnt(learnt);
        EXPECT_EQ(table_->learnt_count, DW_LEARNT_MAX);
        for (const LearntAddress& each : learnt)
            ASSERT_EQ(hosts_at(each.address), std::vector<std::uint32_t>{each.host});
    }
}

TEST_F(OwnTable, FindsConsecutiveAddresses) {
    std::vector<LearntAddress> learnt;
    for (std::uint32_t i = 0; i < DW_LEARNT_MAX; ++i) learnt.push_back({{0x2001'0db8'aa00'0001ull, i + 1ull}, 9});
    encode_learnt(learnt);
    EXPECT_EQ(table_->learnt_count, DW_LEARNT_MAX);
    for (const LearntAddress& each : learnt) ASSERT_EQ(hosts_at(each.address).size(), 1u);
}

TEST_F(OwnTable, AnAddressBelongsToSeveralHosts) {
    const Ipv6Address address{1, 2};
    encode_learnt({{address, 30}, {address, 10}, {{1, 3}, 10}, {address, 20}});
    EXPECT_EQ(hosts_at(address), (std::vector<std::uint32_t>{10, 20, 30}));
    EXPECT_EQ(hosts_at({1, 3}), std::vector<std::uint32_t>{10});
    EXPECT_TRUE(hosts_at({1, 4}).empty());
}

TEST_F(OwnTable, TidyLeavesOutWhatHasNoRoomAndSaysHowMuch) {
    std::vector<LearntAddress> learnt;
    for (std::uint32_t host = 1; host <= DW_LEARNT_HOSTS + 2; ++host) learnt.push_back({{1, 1}, host});
    learnt.push_back({{1, 1}, 1});  // a double
    EXPECT_EQ(tidy(&learnt), 2u);
    EXPECT_EQ(learnt.size(), static_cast<std::size_t>(DW_LEARNT_HOSTS));

    learnt.clear();
    for (std::uint64_t i = 0; i < DW_LEARNT_MAX + 5; ++i) learnt.push_back({{2, i + 1}, 1});
    EXPECT_EQ(tidy(&learnt), 5u);
    EXPECT_TRUE(std::is_sorted(learnt.begin(), learnt.end()));
}

TEST_F(OwnTable, CountsALossOnlyWhenAHostLosesAnAddress) {
    encode_learnt({{{1, 1}, 5}});
    EXPECT_EQ(table_->losses, 0u);
    encode_learnt({{{1, 1}, 5}, {{1, 2}, 5}});
    EXPECT_EQ(table_->losses, 0u) << "one more";
    encode_learnt({{{1, 1}, 5}});
    EXPECT_EQ(table_->losses, 1u) << "one less";
    encode_learnt({{{1, 1}, 6}});
    EXPECT_EQ(table_->losses, 2u) << "another host's";
    encode_learnt({});
    EXPECT_EQ(table_->losses, 3u);
    encode_learnt({});
    EXPECT_EQ(table_->losses, 3u);
}

TEST_F(OwnTable, IsLearntAsksForAddressAndHost) {
    own_.learnt = {{{1, 1}, 5}, {{1, 2}, 6}};
    EXPECT_TRUE(is_learnt(own_, {1, 1}, 5));
    EXPECT_FALSE(is_learnt(own_, {1, 1}, 6));
    EXPECT_FALSE(is_learnt(own_, {1, 3}, 5));
}

}  // namespace
}  // namespace dishwall::test
