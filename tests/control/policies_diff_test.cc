// SPDX-License-Identifier: BSD-3-Clause
//
// What a diff says of two rule files.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "control/policies/policy_diff.h"
#include "policy_maker.h"

namespace dishwall {
namespace {

struct Read {
    Policy policy;
    std::vector<RuleText> texts;
};

Read read(const std::string& inbound, const std::string& head = "",
          const std::string& outbound = "    default accept\n") {
    const std::string text = head +
                             "version 1\n"
                             "uplink dish {\n"
                             "    interface wan0\n"
                             "    prefix fixed static 2001:db8:aa00::/56\n"
                             "    documentation-prefixes allow\n"
                             "}\n"
                             "network lan = dish.fixed subnet 0x1 on lan0\n"
                             "host nas = lan ::10\n"
                             "set admins = { 2001:db8:7::/48 }\n"
                             "policy inbound on dish {\n" +
                             inbound + "}\npolicy outbound on dish {\n" + outbound + "}\n";
    Compiled compiled = read_policy("d.conf", text, no_services());
    EXPECT_TRUE(compiled.policy) << render(compiled.diagnostics, compiled.sources, false);
    if (!compiled.policy) return {};
    return {std::move(*compiled.policy), {{"d.conf", text}}};
}

// "changed inbound web: BEFORE => AFTER"
std::vector<std::string> diff(const Read& before, const Read& after) {
    std::vector<std::string> lines;
    for (const RuleChange& one : diff_rules({before.policy, before.texts}, {after.policy, after.texts}))
        lines.push_back(fmt::format("{} {} {}: {} => {}", to_string(one.kind), one.chain, one.name,
                                    one.before, one.after));
    return lines;
}

using Lines = std::vector<std::string>;

TEST(PoliciesDiff, TheSameRulesOnOtherLinesAreNoDifference) {
    const std::string rules =
        "    accept tcp 443 to nas name web\n    drop udp 98\n    drop udp 99 from admins\n";
    EXPECT_EQ(diff(read(rules), read("\n# a comment\n" + rules, "# and more of them\n\n")), Lines{});
}

TEST(PoliciesDiff, AddedRemovedAndChangedAsTheyWereWritten) {
    EXPECT_EQ(
        diff(read("    accept tcp 443 to nas name web  # the shop\n    accept tcp 22 to nas name ssh\n"),
             read("    accept tcp { 80,\n      443 } to nas name web\n    reject tcp 113; drop sctp\n")),
        (Lines{
            "removed inbound ssh: accept tcp 22 to nas name ssh => ",
            "changed inbound web: accept tcp 443 to nas name web => accept tcp { 80, 443 } to nas name web",
            "added inbound d.conf:13:  => reject tcp 113", "added inbound d.conf:13:21:  => drop sctp"}));
}

TEST(PoliciesDiff, WordsThatMeanSomethingElseNow) {
    Read after = read("    accept tcp 22 from admins to nas name ssh\n");
    const Read before = after;
    std::string text = after.texts[0].text;
    text.replace(text.find("2001:db8:7::/48"), 15, "2001:db8:8::/48");
    after.policy = *read_policy("d.conf", text, no_services()).policy;
    after.texts[0].text = text;
    EXPECT_EQ(
        diff(before, after),
        (Lines{"changed inbound ssh: accept tcp 22 from 2001:db8:7::/48 to dish.fixed subnet 0x1 ::10 => "
               "accept tcp 22 from 2001:db8:8::/48 to dish.fixed subnet 0x1 ::10"}));
}

TEST(PoliciesDiff, AsFewAsPossibleAreMoved) {
    const std::string a = "    accept tcp 1 name a\n", b = "    accept tcp 2 name b\n",
                      c = "    accept tcp 3 name c\n", d = "    accept tcp 4 name d\n";
    EXPECT_EQ(diff(read(a + b + c + d), read(d + a + b + c)),
              (Lines{"moved inbound d: accept tcp 4 name d => accept tcp 4 name d"}));
    EXPECT_EQ(diff(read(a + b + c + d), read(a + c + b + d)).size(), 1u);
    EXPECT_EQ(diff(read(a + b + c + d), read(d + c + b + a)).size(), 3u);
}

TEST(PoliciesDiff, DefaultsAndTheOtherDirection) {
    EXPECT_EQ(
        diff(read("    default drop\n"), read("    default accept\n", "", "    drop tcp 25 name mail\n")),
        (Lines{"changed inbound default: default drop => default accept",
               "added outbound mail:  => drop tcp 25 name mail"}));
}

TEST(PoliciesDiff, EqualUnnamedRulesAreCounted) {
    const std::string one = "    audit udp 99\n";
    EXPECT_EQ(diff(read(one + one), read(one)), (Lines{"removed inbound d.conf:12: audit udp 99 => "}));
}

TEST(PoliciesDiff, ManyRulesTakeNoLongTime) {
    std::string before, after;
    for (int i = 0; i < 20'000; ++i) {
        before +=
            fmt::format("    accept udp {} from 2001:db8:{:x}::/48 name r{}\n", i % 60000 + 1, i % 65536, i);
        after += fmt::format("    accept udp {} from 2001:db8:{:x}::/48 name r{}\n", i % 60000 + 1, i % 65536,
                             19'999 - i);
    }
    EXPECT_EQ(diff(read(before), read(after)).size(), 20'000u);
}

}  // namespace
}  // namespace dishwall
