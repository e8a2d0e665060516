// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/wanted_addresses.h"

#include <gtest/gtest.h>

#include "tests/control/dns_policy.h"

namespace dishwall {
namespace {

constexpr auto kDeprecated = DW_PREFIX_DEPRECATED;
constexpr auto kGrace = DW_PREFIX_GRACE;
constexpr unsigned kNas = 0, kCam = 1, kAnywhere = 2, kOut = 3, kMe = 4, kDish = 5, kTokyo = 6;

std::string wanted(unsigned host, const Own& own, const Acquaintance& known = {},
                   const Addresses& published = {}) {
    const Policy policy = home();
    return text_of(wanted_addresses(policy.hosts[host], policy, own, known, published));
}

TEST(WantedAddresses, OfPlacesBehindTheLine) {
    const struct {
        const char* claim;
        unsigned host;
        std::vector<LivePrefix> prefixes;
        const char* wanted;
    } kCases[] = {
        {"no prefix, no address", kNas, {}, ""},
        {"a preferred prefix", kNas, {live("2001:db8:100::/56")}, "2001:db8:100:1::10"},
        {"two preferred prefixes",
         kNas,
         {live("2001:db8:100::/56"), live("2001:db8:200::/56")},
         "2001:db8:100:1::10 2001:db8:200:1::10"},
        {"a deprecated one beside a preferred one",
         kNas,
         {live("2001:db8:100::/56", kDeprecated), live("2001:db8:200::/56")},
         "2001:db8:200:1::10"},
        {"only a deprecated one", kNas, {live("2001:db8:100::/56", kDeprecated)}, "2001:db8:100:1::10"},
        {"only one in grace", kNas, {live("2001:db8:100::/56", kGrace)}, ""},
        {"grace is never published",
         kNas,
         {live("2001:db8:100::/56", kGrace), live("2001:db8:200::/56", kDeprecated)},
         "2001:db8:200:1::10"},
        {"a /64 has no subnet 1", kNas, {live("2001:db8:100::/64")}, ""},
        {"a /63 has one", kNas, {live("2001:db8:100::/63")}, "2001:db8:100:1::10"},
        {"a /48", kNas, {live("2001:db8:100::/48")}, "2001:db8:100:1::10"},
        {"another source's prefix is not its",
         kNas,
         {live("2001:db8:f::/64", DW_PREFIX_PREFERRED, 1, true)},
         ""},
        {"a host on the dish's network",
         kDish,
         {live("2001:db8:100::/56"), live("2001:db8:f::/64", DW_PREFIX_PREFERRED, 1, true)},
         "2001:db8:f::30"},
        {"in any network: both",
         kAnywhere,
         {live("2001:db8:100::/56")},
         "2001:db8:100:1::20 2001:db8:100:2::20"},
        {"in any network: only one has room", kAnywhere, {live("2001:db8:100::/63")}, "2001:db8:100:1::20"},
        {"what lies in a longer prefix is there, not here",
         kNas,
         {live("2001:db8:100::/56"), live("2001:db8:100:0::/60", kDeprecated)},
         "2001:db8:100:1::10"},
        {"a literal address is always wanted", kOut, {}, "2001:db8:ffff::1"},
    };
    for (const auto& [claim, host, prefixes, expected] : kCases)
        EXPECT_EQ(wanted(host, own_of(prefixes)), expected) << claim;
}

TEST(WantedAddresses, OfThisBoxAreThoseInPreferredPrefixes) {
    Own own = own_of({live("2001:db8:100::/56"), live("2001:db8:200::/56", kDeprecated)});
    own.self = {addr("fe80::1"), addr("2001:db8:100:1::1"), addr("2001:db8:200:1::1"), addr("fd00::1")};
    EXPECT_EQ(wanted(kMe, own), "2001:db8:100:1::1");
    own.prefixes[0].state = kGrace;
    EXPECT_EQ(wanted(kMe, own), "2001:db8:200:1::1");
}

TEST(WantedAddresses, OfADeviceOneInEachPrefix) {
    const std::string kEui = "2001:db8:100:1:11:22ff:fe33:4455";
    const Own own = own_of({live("2001:db8:100::/56")}, {"2001:db8:100:1::99", kEui, "2001:db8:100:1::1",
                                                         "fe80::11:22ff:fe33:4455", "2001:db8:999::5"});
    EXPECT_EQ(wanted(kCam, own), kEui) << "its EUI-64 address if it uses it";
    EXPECT_EQ(wanted(kCam, own, {}, addrs({"2001:db8:100:1::99"})), kEui);

    Acquaintance known;
    known.see(own_of({}, {"2001:db8:100:1::99"}).learnt);
    const Own without = own_of({live("2001:db8:100::/56")}, {"2001:db8:100:1::1", "2001:db8:100:1::99"});
    known.see(without.learnt);
    EXPECT_EQ(wanted(kCam, without, known), "2001:db8:100:1::99") << "else the one known longest";
    EXPECT_EQ(wanted(kCam, without, known, addrs({"2001:db8:100:1::1"})), "2001:db8:100:1::1")
        << "but what is published stays";

    const Own two = own_of({live("2001:db8:100::/56"), live("2001:db8:200::/60")},
                           {"2001:db8:100:1::5", "2001:db8:200:1::6", "2001:db8:200:1::7"});
    known.see(own_of({}, {"2001:db8:200:1::7"}).learnt);
    known.see(two.learnt);
    EXPECT_EQ(wanted(kCam, two, known), "2001:db8:100:1::5 2001:db8:200:1::7");
}

TEST(WantedAddresses, OfADeviceThatHasNoAddressInTheNewPrefixYetAreTheOldOnes) {
    const std::vector<LivePrefix> prefixes{live("2001:db8:100::/56", kDeprecated), live("2001:db8:200::/56")};
    EXPECT_EQ(wanted(kCam, own_of(prefixes, {"2001:db8:100:1::5"})), "2001:db8:100:1::5");
    EXPECT_EQ(wanted(kCam, own_of(prefixes, {"2001:db8:100:1::5", "2001:db8:200:1::5"})),
              "2001:db8:200:1::5");
    EXPECT_EQ(wanted(kCam, own_of({live("2001:db8:100::/56", kGrace)}, {"2001:db8:100:1::5"})), "");
}

TEST(WantedAddresses, OfAPeerByNameAreNotOurs) {
    Own own = own_of({live("2001:db8:100::/56")});
    own.learnt = {{addr("2001:db8:100:1::9"), 78}};
    EXPECT_EQ(wanted(kTokyo, own), "");
}

TEST(Acquaintance, OfAnAddressThatWasGoneBeginsAnew) {
    Acquaintance known;
    const LearntAddress a{addr("2001:db8::a"), 1}, b{addr("2001:db8::b"), 1};
    known.see({a});
    known.see({a, b});
    EXPECT_LT(known.since(a), known.since(b));
    known.see({b});
    known.see({a, b});
    EXPECT_GT(known.since(a), known.since(b));
}

}  // namespace
}  // namespace dishwall
