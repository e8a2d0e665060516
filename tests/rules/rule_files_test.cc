// SPDX-License-Identifier: BSD-3-Clause
//
// One policy of several files: conf.d, `include`, and what rules without a name are called then.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

using Files = std::map<std::string, std::string>;  // by path

constexpr const char* kUplink = "version 1\nuplink dish { interface eth0; prefix pd from dhcpv6-pd }\n";

Environment disk(const Files& files, const std::string& directory = "") {
    Environment environment;
    environment.directory = directory;
    environment.read_text = [files](const std::string& path) -> tl::expected<std::string, std::string> {
        const auto found = files.find(path);
        if (found == files.end()) return tl::unexpected<std::string>("No such file or directory");
        return found->second;
    };
    return environment;
}

std::string rule(int port) { return fmt::format("policy inbound on dish {{ accept tcp {} }}\n", port); }

// "site.conf:4 443, ..."
std::string names_of(const Policy& policy) {
    std::string text;
    for (const Rule& each : policy.inbound.rules)
        text +=
            fmt::format("{}{} {}", text.empty() ? "" : ", ", each.name, each.match[0].ports[0].first);
    return text;
}

TEST(RuleFiles, AreOnePolicyInTheirOrder) {
    const Compiled compiled =
        read_policy({{"/e/site.conf", kUplink + rule(1) + rule(2)},
                     {"/e/conf.d/a.conf", "network lan = dish.pd\n" + rule(3)},
                     {"/e/conf.d/b.conf", "version 1\nhost nas = lan ::10\n" + rule(4)}},
                    disk({}));
    const Policy policy = policy_of(compiled);
    EXPECT_EQ(names_of(policy), "site.conf:3 1, site.conf:4 2, a.conf:2 3, b.conf:3 4");
    EXPECT_EQ(policy.inbound.rules[2].place.file, "/e/conf.d/a.conf");
    EXPECT_EQ(policy.hosts.size(), 1u);
    ASSERT_EQ(compiled.rule_files.size(), 3u);
    EXPECT_EQ(compiled.sources.file(compiled.rule_files[2]).name(), "/e/conf.d/b.conf");
}

TEST(RuleFiles, AreIncludedWhereTheWordStands) {
    const Compiled compiled = read_policy(
        {{"/e/site.conf", kUplink + rule(1) + "include \"sub/in.conf\"\n" + rule(4)},
         {"/e/conf.d/a.conf", rule(5)}},
        disk({{"/e/sub/in.conf", rule(2) + "include \"../more.conf\"\n"}, {"/e/more.conf", rule(3)}}));
    EXPECT_EQ(names_of(policy_of(compiled)),
              "site.conf:3 1, in.conf:1 2, more.conf:1 3, site.conf:5 4, a.conf:1 5");
    ASSERT_EQ(compiled.rule_files.size(), 4u) << "first the given ones";
    EXPECT_EQ(compiled.sources.file(compiled.rule_files[1]).name(), "/e/conf.d/a.conf");
    EXPECT_EQ(compiled.sources.file(compiled.rule_files[2]).name(), "/e/sub/in.conf");
    EXPECT_EQ(compiled.sources.file(compiled.rule_files[3]).path(), "/e/more.conf");
}

TEST(RuleFiles, OfOneNameGiveTheirRulesDifferentOnes) {
    const Policy policy = policy_of(read_policy(
        {{"/e/a.conf", kUplink + std::string("include \"x/a.conf\"\ninclude \"y/x/a.conf\"\n") + rule(1)},
         {"/e/conf.d/a.conf", "\n\n\n\n" + rule(2)}},
        disk({{"/e/x/a.conf", "\n\n\n\n" + rule(3)}, {"/e/y/x/a.conf", "\n\n\n\n" + rule(4)}})));
    EXPECT_EQ(names_of(policy), "x/a.conf:5 3, y/x/a.conf:5 4, a.conf:5 1, conf.d/a.conf:5 2");
}

TEST(RuleFiles, AreShownBesideTheNameThatWasGiven) {
    const Compiled compiled =
        read_policy({{"site.conf", kUplink + std::string("include \"in.conf\"\n")},
                     {"conf.d/a.conf", "include \"b/c.conf\"\n"}},
                    disk({{"/e/in.conf", rule(1)}, {"/e/conf.d/b/c.conf", rule(2)}}, "/e"));
    const Policy policy = policy_of(compiled);
    EXPECT_EQ(policy.inbound.rules.at(0).place.file, "in.conf");
    EXPECT_EQ(policy.inbound.rules.at(1).place.file, "conf.d/b/c.conf");
    EXPECT_EQ(compiled.sources.file(compiled.rule_files[3]).path(), "/e/conf.d/b/c.conf");
}

TEST(RuleFiles, LookForFeedsBesideTheFileThatNamesThem) {
    const Policy policy =
        policy_of(read_policy({{"/e/site.conf", kUplink}, {"/e/conf.d/a.conf", "feed x = file \"x.txt\"\n"}},
                              disk({{"/e/conf.d/x.txt", "2001:db8::1\n"}})));
    EXPECT_EQ(policy.feeds.at(0).path, "/e/conf.d/x.txt");
}

TEST(RuleFiles, OfADirectionMayHaveSeveralBlocksThatAgree) {
    const Policy policy = policy_of(read_policy(
        {{"/e/site.conf", std::string(kUplink) + "policy inbound on dish { default reject; accept tcp 1 }\n"},
         {"/e/conf.d/a.conf",
          "policy inbound on dish { log sample 1/8; default reject; accept tcp 2 }\n"
          "policy outbound on dish { log sample 1/9 }"}},
        disk({})));
    EXPECT_EQ(names_of(policy), "site.conf:3 1, a.conf:1 2");
    EXPECT_EQ(policy.inbound.default_verdict, DW_REJECT);
    EXPECT_EQ(policy.inbound.log_sample, 8u);
    EXPECT_EQ(policy.outbound.log_sample, 9u);
    EXPECT_EQ(policy.inbound.place.file, "/e/site.conf");
}

std::string first_label(const Compiled& compiled) {
    return compiled.diagnostics.empty() ? "" : compiled.diagnostics.front().primary.text;
}

TEST(RuleFiles, AreBoundedInDepthNumberAndSize) {
    Files deep;
    for (int i = 0; i < 20; ++i)
        deep[fmt::format("/e/{}.conf", i)] = fmt::format("include \"{}.conf\"\n", i + 1);
    const RuleText main{"/e/site.conf", kUplink + std::string("include \"0.conf\"\n")};
    EXPECT_EQ(first_label(read_policy({main}, disk(deep))), "files can be included 16 deep");

    Files many;
    std::string text = kUplink;
    for (int i = 0; i < 1000; ++i) {
        many[fmt::format("/e/{}.conf", i)] = "";
        text += fmt::format("include \"{}.conf\"\n", i);
    }
    EXPECT_EQ(first_label(read_policy({{"/e/site.conf", text}}, disk(many))),
              "a rule set has at most 1000 files");

    const std::string half((64u << 20) / 2, ' ');
    EXPECT_EQ(first_label(read_policy(
                  {main}, disk({{"/e/0.conf", "include \"1.conf\"\n" + half}, {"/e/1.conf", half}}))),
              "rule files have at most 64 MiB in all");
}

TEST(RuleFiles, ThatCannotBeReadMakeNoOtherErrors) {
    const Compiled compiled = read_policy(
        {{"/e/site.conf",
          kUplink + std::string("include \"no.conf\"\npolicy inbound on dish { accept to nas }\n")}},
        Environment{});
    ASSERT_EQ(compiled.diagnostics.size(), 1u);
    EXPECT_EQ(first_label(compiled), "/e/no.conf cannot be read: files are not read here");
    EXPECT_EQ(compiled.interface, "eth0");
}

}  // namespace
}  // namespace dishwall::test
