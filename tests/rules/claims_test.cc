// SPDX-License-Identifier: BSD-3-Clause
//
// `test` and `protect` as an administrator meets them: what is proven, what is not, and the example that is
// shown. How messages look is in golden/claims-*.conf; that the algebra is exact is shown by
// coverage_test.cc.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "rules/prove.h"
#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

constexpr std::string_view kNames =
    "network dmz = dish.pd subnet 2\nhost cam = lan mac 02:11:22:33:44:55\nhost tokyo = name "
    "vpn.example.net\n";

Compiled read_with(std::string_view rules, std::string_view claims) {
    return read_after_preamble(
        fmt::format("{}policy inbound on dish {{\n{}\n}}\n{}\n", kNames, rules, claims));
}

// The label of the only error; empty when the file is good.
std::string said(std::string_view rules, std::string_view claims) {
    const Compiled compiled = read_with(rules, claims);
    std::string labels;
    for (const Diagnostic& diagnostic : compiled.diagnostics)
        if (severity_of(diagnostic.code) == Severity::error)
            labels +=
                (labels.empty() ? "" : "; ") + to_string(diagnostic.code) + " " + diagnostic.primary.text;
    return labels;
}

std::string said_of_test(std::string_view rules, std::string_view statement) {
    return said(rules, fmt::format("test t {{ {} }}", statement));
}

std::string said_of_protect(std::string_view rules, std::string_view line) {
    return said(rules, fmt::format("protect p {{ {} }}", line));
}

TEST(Claims, EveryPacketHasToComeToTheVerdict) {
    const char* rules = "accept tcp 1-99 to nas name low\naccept tcp 101-65535 to nas name high";
    EXPECT_EQ(said_of_test(rules, "inbound tcp 1-99 to nas expect accept by low"), "");
    EXPECT_EQ(said_of_test(rules, "inbound tcp { 5, 200 } to nas expect accept"), "");
    EXPECT_EQ(said_of_test(rules, "inbound tcp 90-110 from 2a00::5 to nas expect accept"),
              "E0601 tcp from 2a00::5 port 1024 to nas port 100 is dropped by default");
    EXPECT_EQ(said_of_test(rules, "inbound tcp 90-99 from 2a00::5 to nas expect accept by high"),
              "E0601 tcp from 2a00::5 port 1024 to nas port 90 is accepted by rule low (rules.conf:13)");
}

TEST(Claims, WhoeverMayBeInANetworkIs) {
    const char* rules = "drop tcp to cam\nreject tcp 22 to self\naccept tcp to lan";
    EXPECT_EQ(said_of_test(rules, "inbound tcp 80 from 2a00::5 to lan expect accept"),
              "E0601 tcp from 2a00::5 port 1024 to cam port 80 is dropped by rule rules.conf:13");
    EXPECT_EQ(
        said_of_test(rules, "inbound tcp 22 from 2a00::5 to { lan, not cam } expect accept"),
        "E0601 tcp from 2a00::5 port 1024 to this box in lan port 22 is rejected by rule rules.conf:14");
    EXPECT_EQ(said_of_test(rules, "inbound tcp 22 from 2a00::5 to { lan, not cam, not self } expect accept"),
              "");
    // A host is its own name only.
    EXPECT_EQ(said_of_test(rules, "inbound tcp 22 from 2a00::5 to nas expect accept"), "");
    EXPECT_EQ(said_of_test(rules, "inbound tcp 80 from 2a00::5 to cam expect drop"), "");
    EXPECT_EQ(said_of_test(rules, "inbound tcp 80 from 2a00::5 to dmz expect drop"), "");
}

TEST(Claims, APrefixThatIsSaidTurnsLiteralsIntoPlaces) {
    const char* rules = "accept tcp 443 to nas name web\naccept tcp 22 to 2001:db8:ff00:1::10";
    const char* literal = "inbound tcp 443 to 2001:db8:ff00:1::10 expect accept by web";
    EXPECT_EQ(said_of_test(rules, std::string("with dish.pd = 2001:db8:ff00::/56 ") + literal), "");
    EXPECT_EQ(said_of_test(rules, std::string("with dish.pd = 2001:db8:ff00::/48 ") + literal), "");
    EXPECT_NE(said_of_test(rules, std::string("with dish.pd = 2001:db8:ee00::/56 ") + literal), "");
    // Without it the literal is nobody's, and nas has none.
    EXPECT_EQ(said_of_test(rules, literal),
              "E0601 tcp from 2001:db8::1 port 1024 to 2001:db8:ff00:1::10 port 443 is dropped by default");
    EXPECT_EQ(said_of_test(rules, "inbound tcp 22 to nas expect drop"), "");
    EXPECT_EQ(said_of_test(rules, "with dish.pd = 2001:db8:ff00::/56 inbound tcp 22 to nas expect accept"),
              "");
}

TEST(Claims, WithMayStandOnLinesOfItsOwn) {
    EXPECT_EQ(
        said("accept tcp 443 to nas",
             "test t {\n    with dish.pd = 2001:db8:ff00::/56\n    with dish.onlink = 2001:db8:ee00::/64\n"
             "    inbound tcp 443 from 2001:db8:ee00::5 to 2001:db8:ff00:1::10 expect accept\n}"),
        "");
}

TEST(Claims, ATestIsNotOverARateAndAProtectedPacketIsBoth) {
    const char* limited = "accept tcp 22 to self rate 10/m name ssh";
    EXPECT_EQ(said_of_test(limited, "inbound tcp 22 to self expect accept by ssh"), "");
    EXPECT_EQ(said_of_protect(limited, "tcp 22 from 2a00::5 to self"),
              "E0602 tcp from 2a00::5 port 1024 to this box port 22 is dropped by default, when it is over "
              "the rate of "
              "a rule above");
    EXPECT_EQ(said_of_protect(std::string(limited) + "\naccept tcp 22 from 2a00::/16 to self",
                              "tcp 22 from 2a00::5 to self"),
              "");
}

TEST(Claims, AuditDecidesNothing) {
    EXPECT_EQ(said_of_test("audit tcp to nas\naccept tcp 443 to nas", "inbound tcp 443 to nas expect accept"),
              "");
    EXPECT_EQ(said_of_protect("audit\naccept tcp 22 to self", "tcp 22 to self"), "");
}

TEST(Claims, OnlyBrokenProtectLinesLeaveAPolicyToForce) {
    const char* rules = "accept tcp 443 to nas";
    const Compiled protect = read_with(rules, "protect p { tcp 22 to self }");
    EXPECT_FALSE(protect.policy.has_value());
    ASSERT_TRUE(protect.unprotected.has_value());
    EXPECT_EQ(protect.unprotected->inbound.rules.size(), 1u);
    const Compiled both =
        read_with(rules, "protect p { tcp 22 to self }\ntest t { inbound tcp 443 to nas expect drop }");
    EXPECT_FALSE(both.policy.has_value() || both.unprotected.has_value());
    const Compiled vain = read_with(rules, "protect p { tcp 22 from self to self }");
    EXPECT_FALSE(vain.policy.has_value() || vain.unprotected.has_value());
}

TEST(Claims, AreKeptInThePolicy) {
    const Policy policy =
        policy_of(read_with("accept tcp 22 to self name ssh",
                            "protect management { tcp 22 to self }\n"
                            "test \"in and out\" { inbound tcp 22 to self expect accept by ssh\n"
                            "outbound udp 53 from lan expect accept }"));
    ASSERT_EQ(policy.protects.size(), 1u);
    EXPECT_EQ(policy.protects[0].name, "management");
    EXPECT_EQ(policy.protects[0].place.line, 15u);
    ASSERT_EQ(policy.tests.size(), 1u);
    EXPECT_EQ(policy.tests[0].name, "in and out");
    ASSERT_EQ(policy.tests[0].expectations.size(), 2u);
    EXPECT_EQ(policy.tests[0].expectations[0].by, "ssh");
    EXPECT_EQ(policy.tests[0].expectations[1].direction, Direction::outbound);
    EXPECT_EQ(policy.tests[0].expectations[1].place.line, 17u);
}

// ---- the lines of the policy in force against a candidate

std::string broken_by(std::string_view line, std::string_view candidate) {
    const Policy now = policy_of(read_with("accept", fmt::format("protect p {{ {} }}", line)));
    const Policy then = policy_of(read_after_preamble(candidate));
    const std::vector<Protected> lines = translate(now, then);
    std::string text;
    for (const Broken& broken : check_protected(lines, then)) {
        EXPECT_EQ(broken.line, &lines[0]);
        text += broken.text;
    }
    return text;
}

TEST(Protected, IsCheckedAgainstTheNextPolicy) {
    EXPECT_EQ(
        broken_by("tcp 22 from 2a00::/16 to self", "policy inbound on dish { accept tcp 22 from 2a00::/15 }"),
        "");
    EXPECT_EQ(
        broken_by("tcp 22 from 2a00::/16 to self",
                  "policy inbound on dish {\n drop tcp 20-30 from 2a00:7::/32 name x\n accept tcp 22\n}"),
        "tcp from 2a00:7::1 port 1024 to this box port 22 is dropped by rule x (rules.conf:10)");
    EXPECT_EQ(broken_by("tcp 443 to nas", "policy inbound on dish { accept tcp 443 to lan }"), "");
    // A device is known by what it is, not by its name.
    EXPECT_EQ(
        broken_by(
            "tcp 443 from 2a00::1 to cam",
            "host other = lan mac 02:11:22:33:44:55\npolicy inbound on dish { accept tcp 443 to other }"),
        "");
    EXPECT_EQ(broken_by("tcp 443 from 2a00::1 to dmz", "policy inbound on dish { accept tcp 443 }"),
              "its packets would reach nothing: what they go to is in no network there");
}

TEST(Protected, PrefixesAreTheSameByName) {
    const Policy now = policy_of(read_with("accept", "protect p { tcp 443 from 2a00::1 to nas }"));
    const auto turned = [](const char* name) {
        return policy_of(
            read_policy("next.conf",
                        fmt::format("version 1\nuplink dish {{\ninterface eth0\nprefix onlink from ra\n"
                                    "prefix {0} from dhcpv6-pd\n}}\nnetwork lan = dish.{0} subnet 1\n"
                                    "policy inbound on dish {{ accept tcp 443 to lan }}\n",
                                    name),
                        few_services()));
    };
    const Policy same = turned("pd"), other = turned("pd2");
    const std::vector<Protected> lines = translate(now, same);
    EXPECT_EQ(std::get<Behind>(lines[0].traffic.to.include.front()).source, 1u);
    EXPECT_TRUE(check_protected(lines, same).empty());
    EXPECT_EQ(check_protected(translate(now, other), other).size(), 1u);
}

// ---- bounds

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

TEST(Time, TooMuchWorkIsNoProof) {
    std::string rules = "default accept\n";
    std::uint64_t random = 1;
    const auto below = [&](unsigned bound) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        return static_cast<unsigned>((random >> 33) % bound);
    };
    const auto range = [&] {
        const unsigned first = below(45000);
        return fmt::format("{}-{}", first, first + 8000 + below(12000));
    };
    // Rated, so that none of them is said to cover another.
    for (int i = 0; i < 600; ++i)
        rules += fmt::format("accept tcp {} from {{ 2a{:02x}::/16, 2b{:02x}::/16 }} port {} to {} rate 1/s\n",
                             range(), below(16), below(16), range(), below(2) == 0 ? "lan" : "{ self, dmz }");
    const double start = seconds();
    const std::string text = said(rules, "test t { inbound tcp expect accept }");
    EXPECT_LT(seconds() - start, 20);
    EXPECT_EQ(text, "E0601 not proven: too many rules part these packets");
}

TEST(Time, AThousandTestsOfALongChainAreQuick) {
    std::string rules, claims;
    for (int i = 0; i < 20000; ++i)
        rules += fmt::format("accept tcp {} from 2a00:{:x}::/32 to nas\n", i % 10000 + 1, i / 10000);
    for (int i = 0; i < 1000; ++i)
        claims +=
            fmt::format("test t{} {{ inbound tcp {} from 2a00:1::1 to nas expect accept }}\n", i, i + 1);
    const double start = seconds();
    EXPECT_EQ(said(rules, claims), "");
    EXPECT_LT(seconds() - start, 10);
}

}  // namespace
}  // namespace dishwall::test
