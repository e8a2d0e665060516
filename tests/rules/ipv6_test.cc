// SPDX-License-Identifier: BSD-3-Clause
#include "rules/ipv6.h"

#include <gtest/gtest.h>

namespace dishwall {
namespace {

TEST(Ipv6Text, WhatIsPrintedReadsBack) {
    for (const Ipv6Address address : {Ipv6Address{0, 0}, Ipv6Address{0, 1}, Ipv6Address{0, 0x10000},
                                      Ipv6Address{0, 0xffff01020304}, Ipv6Address{0x20010db8'00000000, 0x10},
                                      Ipv6Address{0xfe80'0000'0000'0000, 0x0211'22ff'fe33'4455},
                                      Ipv6Address{~0ull, ~0ull}})
        EXPECT_EQ(parse_ipv6(to_string(address)), address) << to_string(address);
    EXPECT_EQ(to_string(Ipv6Address{0, 0x10000}), "::1:0");
    EXPECT_EQ(to_string(Ipv6Address{0, 0xffff01020304}), "::ffff:102:304");
}

TEST(Ipv6Prefix, HoldsNoHostBits) {
    EXPECT_FALSE(parse_prefix("2001:db8::1/64"));
    EXPECT_FALSE(parse_prefix("2001:db8::/129"));
    EXPECT_FALSE(parse_prefix("2001:db8::/"));
    EXPECT_FALSE(parse_prefix("2001:db8::"));
    EXPECT_EQ(to_string(*parse_prefix("2001:db8:ff00::/40")), "2001:db8:ff00::/40");
    EXPECT_EQ(to_string(parse_prefix("2001:db8::/33")->last()), "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff");
    EXPECT_TRUE(parse_prefix("::/0")->contains(Ipv6Address{~0ull, 5}));
}

}  // namespace
}  // namespace dishwall
