// SPDX-License-Identifier: BSD-3-Clause
#include "control/counter_registry.h"

#include <gtest/gtest.h>

#include "policy_maker.h"

namespace dishwall {
namespace {

std::uint32_t id_of(const CounterRegistry& registry, const std::string& name) {
    for (const RuleCounter& counter : registry.list())
        if (counter.name == name) return counter.id;
    return 0;
}

Policy rules_named(const std::vector<std::string>& names) {
    std::string text;
    unsigned port = 1000;
    for (const std::string& name : names) text += fmt::format("accept tcp {} to nas name {}\n", port++, name);
    return policy_with(text);
}

TEST(CounterRegistry, KeepsIdByNameWhenRulesMove) {
    CounterRegistry registry;
    ASSERT_TRUE(registry.assign(rules_named({"web", "ssh"})));
    const std::uint32_t web = id_of(registry, "web"), ssh = id_of(registry, "ssh");
    EXPECT_EQ(web, DW_REASONS_MAX);
    EXPECT_EQ(ssh, DW_REASONS_MAX + 1);
    ASSERT_TRUE(registry.assign(rules_named({"mail", "ssh", "web"})));
    EXPECT_EQ(id_of(registry, "web"), web);
    EXPECT_EQ(id_of(registry, "ssh"), ssh);
    EXPECT_EQ(id_of(registry, "mail"), DW_REASONS_MAX + 2);
}

TEST(CounterRegistry, VanishedNameStaysAsGoneAndComesBackWithItsId) {
    CounterRegistry registry;
    ASSERT_TRUE(registry.assign(rules_named({"web", "ssh"})));
    const std::uint32_t web = id_of(registry, "web");
    ASSERT_TRUE(registry.assign(rules_named({"ssh", "new"})));
    ASSERT_TRUE(registry.find(web));
    EXPECT_TRUE(registry.find(web)->is_gone());
    EXPECT_NE(id_of(registry, "new"), web);
    const auto reused = registry.assign(rules_named({"web"}));
    ASSERT_TRUE(reused);
    EXPECT_TRUE(reused->empty());
    EXPECT_EQ(id_of(registry, "web"), web);
    EXPECT_FALSE(registry.find(web)->is_gone());
}

TEST(CounterRegistry, WhenIdsRunOutTheLongestGoneIsReusedAndReported) {
    CounterRegistry registry(3);
    ASSERT_TRUE(registry.assign(rules_named({"first", "second"})));
    const std::uint32_t first = id_of(registry, "first"), second = id_of(registry, "second");
    ASSERT_TRUE(registry.assign(rules_named({"second"})));
    ASSERT_TRUE(registry.assign(rules_named({"third"})));
    const auto one = registry.assign(rules_named({"third", "fourth"}));
    ASSERT_TRUE(one);
    EXPECT_EQ(*one, std::vector<std::uint32_t>{first});
    EXPECT_EQ(id_of(registry, "first"), 0u);
    EXPECT_EQ(id_of(registry, "fourth"), first);
    const auto two = registry.assign(rules_named({"third", "fourth", "fifth"}));
    ASSERT_TRUE(two);
    EXPECT_EQ(*two, std::vector<std::uint32_t>{second});
}

TEST(CounterRegistry, NameThatComesBackIsNotGivenAwayToANewcomer) {
    CounterRegistry registry(2);
    ASSERT_TRUE(registry.assign(rules_named({"old", "kept"})));
    const std::uint32_t old = id_of(registry, "old");
    ASSERT_TRUE(registry.assign(rules_named({"kept"})));
    const auto reused = registry.assign(rules_named({"aaa-new", "old"}));
    ASSERT_TRUE(reused);
    EXPECT_EQ(id_of(registry, "old"), old);
    EXPECT_EQ(reused->size(), 1u);
}

TEST(CounterRegistry, MoreNamesThanIdsIsRefusedAndChangesNothing) {
    CounterRegistry registry(2);
    ASSERT_TRUE(registry.assign(rules_named({"web"})));
    const std::vector<RuleCounter> before = registry.list();
    const auto refused = registry.assign(rules_named({"a", "b", "c"}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "the policy has 3 rules with counters of their own; the limit is 2");
    EXPECT_EQ(registry.list(), before);
}

TEST(CounterRegistry, SurvivesARoundTripThroughText) {
    CounterRegistry registry;
    ASSERT_TRUE(registry.assign(rules_named({"web", "ssh"})));
    ASSERT_TRUE(registry.assign(rules_named({"ssh"})));
    ASSERT_TRUE(registry.assign(policy_with("accept tcp 443 to nas\naccept tcp 22 to nas name ssh\n",
                                            "drop tcp 25\ndefault accept\n")));
    CounterRegistry read;
    ASSERT_TRUE(read.from_text(registry.to_text()));
    EXPECT_EQ(read.list(), registry.list());
    EXPECT_EQ(read.to_text(), registry.to_text());
    EXPECT_EQ(read.list()[0].place, "test.conf:10");
    EXPECT_EQ(read.list()[0].chain, "inbound");
    EXPECT_EQ(registry.to_text(),
              "dishwall counters 2\t1\n"
              "128\t1\tin\taccept\ttest.conf:10\tweb\n"
              "129\t0\tin\taccept\ttest.conf:11\tssh\n"
              "130\t0\tin\taccept\ttest.conf:10\t\n"  // its place is its name
              "131\t0\tout\tdrop\ttest.conf:14\t\n");
    EXPECT_EQ(registry.find(130)->name, "test.conf:10");
}

TEST(CounterRegistry, ALoadOfTheSameRulesChangesNothing) {
    CounterRegistry registry;
    ASSERT_TRUE(registry.assign(rules_named({"web", "ssh"})));
    CounterRegistry again = registry;
    ASSERT_TRUE(again.assign(rules_named({"web", "ssh"})));
    EXPECT_EQ(again, registry);
    ASSERT_TRUE(again.assign(rules_named({"web"})));
    EXPECT_NE(again, registry);
}

TEST(CounterRegistry, BrokenTextIsRefusedAndChangesNothing) {
    const std::string head = "dishwall counters 2\t1\n";
    const std::pair<std::string, const char*> cases[] = {
        {"", "this is not a counter registry"},
        {"dishwall counters 1\t1\n", "this is not a counter registry"},
        {"dishwall counters 2\t\n", "this is not a counter registry"},
        {R"({"format":1,"loads":1,"counters":[]})", "this is not a counter registry"},
        {head + "128\n", "a line of the counter registry is malformed: 128"},
        {head + "128\t0\tup\taccept\ta:1\tweb\n",
         "a line of the counter registry is malformed: 128\t0\tup\taccept\ta:1\tweb"},
        {head + "128\t0\tin\taccept\ta\tweb\n",
         "a line of the counter registry is malformed: 128\t0\tin\taccept\ta\tweb"},
        {head + "1\t0\tin\taccept\ta:1\tweb\n", "counter 1 of the registry is out of range"},
        {head + "4294967295\t0\tin\taccept\ta:1\tweb\n",
         "counter 4294967295 of the registry is out of range"},
        {head + "128\t0\tin\taccept\ta:1\tweb\n128\t0\tin\taccept\ta:2\tssh\n",
         "counter 128 is in the registry twice"},
        {head + "128\t0\tin\taccept\ta:1\tweb\n129\t0\tin\taccept\ta:2\tweb\n",
         "'web' is in the counter registry twice"},
    };
    for (const auto& [text, message] : cases) {
        CounterRegistry registry;
        const Result<void> read = registry.from_text(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().message, message);
        EXPECT_TRUE(registry.empty());
    }
}

// What a load of many rules asks of it, within a second even where nothing is optimised.
TEST(CounterRegistry, AsManyNamesAsThereAreCountersComeAndGo) {
    Policy policy, other;
    const FileName file("rules.conf");
    for (unsigned i = 0; i < DW_RULES_MAX; ++i) {
        Rule rule;
        rule.place = {file, i + 10, 5};
        rule.name = fmt::format("rules.conf:{}", i + 10);
        policy.inbound.rules.push_back(rule);
        rule.name = fmt::format("other-{}", i);
        other.inbound.rules.push_back(std::move(rule));
    }
    CounterRegistry registry;
    ASSERT_TRUE(registry.assign(policy));
    EXPECT_EQ(registry.id_of(policy.inbound.rules.back()), DW_REASONS_MAX + DW_RULES_MAX - 1);
    const auto reused = registry.assign(other);
    ASSERT_TRUE(reused);
    EXPECT_EQ(reused->size(), DW_RULES_MAX);
    EXPECT_EQ(registry.find(DW_REASONS_MAX)->name, "other-0");
    CounterRegistry read;
    ASSERT_TRUE(read.from_text(registry.to_text()));
    EXPECT_EQ(read.list(), registry.list());
}

}  // namespace
}  // namespace dishwall
