// SPDX-License-Identifier: BSD-3-Clause
//
// What the line is said to be, for each lease and prefix it can have.
#include "control/line/carrier.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/control/line_facts.h"

namespace dishwall {
namespace {

constexpr MonotonicTime kNow = seconds(1000);

std::vector<Ipv4Fact> ipv4_facts(const std::vector<std::string>& texts) {
    std::vector<Ipv4Fact> facts;
    for (const std::string& text : texts) {
        in_addr address{};
        EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &address), 1) << text;
        facts.push_back({ntohl(address.s_addr), 24});
    }
    return facts;
}

PrefixStatus status(const std::string& prefix, dw_prefix_state state, bool onlink) {
    PrefixStatus one;
    one.source = onlink ? "dish.onlink" : "dish.pd";
    one.live = {pfx(prefix), 0, state, onlink};
    return one;
}
PrefixStatus delegation() { return status("2001:db8:1100::/56", DW_PREFIX_PREFERRED, false); }
PrefixStatus onlink() { return status("2001:db8:f1::/64", DW_PREFIX_PREFERRED, true); }

LineFacts line(const std::vector<std::string>& ipv4, std::vector<PrefixStatus> prefixes) {
    return {wan(true), "wan", ipv4_facts(ipv4), kNow - seconds(7), std::move(prefixes)};
}

std::string text_or_none(const nlohmann::json& text) {
    return text.is_null() ? "none" : text.get<std::string>();
}

TEST(CarrierTest, ipv4_lease_says_where_the_box_is) {
    constexpr const char* kBypass =
        "put the vendor's router into bypass mode: until then nothing inbound will work";
    constexpr const char* kWait =
        "wait until the dish is online; grace periods stand still. If it lasts, look for obstructions and at "
        "http://192.168.100.1";
    constexpr const char* kOther =
        "connect wan to the dish itself: what the router before it does not forward never arrives";
    constexpr const char* kPrivate = "behind another router";
    constexpr const char* kRouter = "behind the vendor's router: it forwards nothing inbound";
    constexpr const char* kBoots = "the dish is not connected: it boots or searches for satellites";
    const struct {
        std::vector<std::string> leases;
        const char *state, *address, *text, *advice;
        bool up;
    } kCases[] = {
        {{"100.64.0.0"}, "cgnat", "100.64.0.0", "online behind CGNAT", "none", true},
        {{"100.127.255.255"}, "cgnat", "100.127.255.255", "online behind CGNAT", "none", true},
        {{"100.63.255.255"}, "public", "100.63.255.255", "online with a public IPv4 address", "none", true},
        {{"100.128.0.0"}, "public", "100.128.0.0", "online with a public IPv4 address", "none", true},
        {{"8.8.8.8"}, "public", "8.8.8.8", "online with a public IPv4 address", "none", true},
        {{"192.168.1.23"}, "vendor-router", "192.168.1.23", kRouter, kBypass, true},
        {{"192.168.100.100"}, "dish-not-connected", "192.168.100.100", kBoots, kWait, false},
        {{"192.168.2.1"}, "private", "192.168.2.1", kPrivate, kOther, true},
        {{"192.168.101.1"}, "private", "192.168.101.1", kPrivate, kOther, true},
        {{"10.1.2.3"}, "private", "10.1.2.3", kPrivate, kOther, true},
        {{"172.31.0.1"}, "private", "172.31.0.1", kPrivate, kOther, true},
        {{"172.32.0.1"}, "public", "172.32.0.1", "online with a public IPv4 address", "none", true},
        {{}, "none", "none", "no IPv4 lease", "none", true},
        {{"169.254.3.4"}, "none", "none", "no IPv4 lease", "none", true},
        {{"127.0.0.2", "0.0.0.0", "224.0.0.1"}, "none", "none", "no IPv4 lease", "none", true},
        // Of several the one that tells most.
        {{"192.168.100.2", "100.64.1.1"}, "cgnat", "100.64.1.1", "online behind CGNAT", "none", true},
        {{"192.168.100.2", "10.0.0.1"}, "private", "10.0.0.1", kPrivate, kOther, true},
        {{"169.254.3.4", "192.168.100.100"}, "dish-not-connected", "192.168.100.100", kBoots, kWait, false},
        {{"100.64.1.1", "8.8.8.8"}, "public", "8.8.8.8", "online with a public IPv4 address", "none", true},
    };
    for (const auto& c : kCases) {
        const nlohmann::json said = describe_line(line(c.leases, {delegation()}), kNow);
        SCOPED_TRACE(said.dump());
        EXPECT_EQ(said["ipv4"]["state"], c.state);
        EXPECT_EQ(text_or_none(said["ipv4"]["address"]), c.address);
        EXPECT_EQ(said["ipv4"]["text"], c.text);
        EXPECT_EQ(text_or_none(said["advice"]), c.advice);
        EXPECT_EQ(said["up"], c.up);
    }
}

TEST(CarrierTest, ipv6_is_a_delegation_or_less) {
    PrefixStatus crowded = delegation();
    crowded.served = false;
    const struct {
        std::vector<PrefixStatus> prefixes;
        bool present;
        const char *text, *advice;
    } kCases[] = {
        {{delegation(), onlink()}, true, "a prefix is delegated", "none"},
        {{status("2001:db8::/60", DW_PREFIX_DEPRECATED, false)}, true, "a prefix is delegated", "none"},
        {{onlink()},
         true,
         "only the prefix of the dish segment, no delegation",
         "no delegation: check that a DHCPv6 client asks for a prefix on wan"},
        {{status("2001:db8::/56", DW_PREFIX_GRACE, false)},
         false,
         "no live prefix, only withdrawn ones in their grace period",
         "no IPv6: check that wan accepts router advertisements (accept_ra=2 on a router)"},
        {{},
         false,
         "no IPv6 prefix",
         "no IPv6: check that wan accepts router advertisements (accept_ra=2 on a router)"},
        {{crowded},
         false,
         "no IPv6 prefix",
         "no IPv6: check that wan accepts router advertisements (accept_ra=2 on a router)"},
    };
    for (const auto& c : kCases) {
        const nlohmann::json said = describe_line(line({"100.64.1.1"}, c.prefixes), kNow);
        SCOPED_TRACE(said.dump());
        EXPECT_EQ(said["ipv6"]["present"], c.present);
        EXPECT_EQ(said["ipv6"]["text"], c.text);
        EXPECT_EQ(text_or_none(said["advice"]), c.advice);
    }
}

TEST(CarrierTest, neither_ipv4_nor_a_delegation_is_a_second_device_or_no_client) {
    constexpr const char* kSecond =
        "no lease on wan: is it a second device on the dish (which serves one), or "
        "does no DHCP client run there?";
    EXPECT_EQ(describe_line(line({}, {}), kNow)["advice"], kSecond);
    EXPECT_EQ(describe_line(line({}, {onlink()}), kNow)["advice"], kSecond);
    EXPECT_EQ(describe_line(line({}, {delegation()}), kNow)["advice"], nullptr) << "IPv6 only is fine";
}

TEST(CarrierTest, interface_comes_first) {
    LineFacts facts = line({"192.168.1.5"}, {});
    facts.uplink->up = false;
    EXPECT_EQ(describe_line(facts, kNow)["advice"],
              "wan has no carrier: look at the cable and the dish's power");
    EXPECT_EQ(describe_line(facts, kNow)["up"], false);
    facts.uplink->enabled = false;
    EXPECT_EQ(describe_line(facts, kNow)["advice"], "wan is switched off: ip link set wan up");
    facts.uplink.reset();
    EXPECT_EQ(describe_line(facts, kNow)["advice"],
              "there is no interface wan: plug the adapter in, or correct `interface`");
    EXPECT_EQ(describe_line(facts, kNow)["up"], false);
}

TEST(CarrierTest, prefixes_have_lengths_and_the_time_left) {
    PrefixStatus one = delegation(), other = status("2001:db8:2200::/60", DW_PREFIX_DEPRECATED, false);
    one.valid_until = kNow + seconds(300);
    one.preferred_until = kNow + seconds(150);
    other.preferred_until = kNow - seconds(1);
    const auto said = describe_line(
        line({"100.64.1.1"}, {one, other, onlink(), status("2001:db8:9::/56", DW_PREFIX_GRACE, false)}),
        kNow)["ipv6"];
    EXPECT_EQ(said["delegations"].dump(),
              R"([{"length":56,"preferred_in":150,"prefix":"2001:db8:1100::/56","valid_in":300},)"
              R"({"length":60,"preferred_in":0,"prefix":"2001:db8:2200::/60","valid_in":null}])");
    EXPECT_EQ(said["onlink"].dump(),
              R"([{"length":64,"preferred_in":null,"prefix":"2001:db8:f1::/64","valid_in":null}])");
    EXPECT_EQ(said["ra_age_s"], 7);
}

TEST(CarrierTest, no_router_advertisement_has_no_age) {
    LineFacts facts = line({}, {});
    facts.router_advertised.reset();
    EXPECT_EQ(describe_line(facts, kNow)["ipv6"]["ra_age_s"], nullptr);
}

TEST(CarrierTest, tracker_gives_the_facts_of_its_uplink) {
    PrefixTracker tracker{uplink_with({pd(), ra()})};
    tracker.set_link(wan(true));
    tracker.set_ipv4(kDish, kCgnat, 10);
    tracker.set_ipv4(kLan, kRebooting, 24);
    tracker.note_router_advertisement(kDish, kNow - seconds(20));
    tracker.note_router_advertisement(kDish, kNow - seconds(60));  // an older one, from a dump
    tracker.note_router_advertisement(kLan, kNow);
    tracker.set_route({pfx("2001:db8:1100::/56")});
    (void)tracker.settle(kNow);
    const auto said = describe_line(tracker.line_facts(), kNow);
    EXPECT_EQ(said["ipv4"]["address"], "100.101.102.103");
    EXPECT_EQ(said["ipv6"]["ra_age_s"], 20);
    EXPECT_EQ(said["ipv6"]["delegations"].at(0)["prefix"], "2001:db8:1100::/56");
}

}  // namespace
}  // namespace dishwall
