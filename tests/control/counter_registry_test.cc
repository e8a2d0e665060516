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
    ASSERT_NE(registry.find(web), nullptr);
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
    CounterRegistry read;
    ASSERT_TRUE(read.from_json(registry.to_json()));
    EXPECT_EQ(read.list(), registry.list());
    EXPECT_EQ(read.to_json(), registry.to_json());
    EXPECT_EQ(read.list()[0].place, "test.conf:10");
    EXPECT_EQ(read.list()[0].chain, "inbound");
}

TEST(CounterRegistry, BrokenTextIsRefusedAndChangesNothing) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "this is not a counter registry"},
        {"[]", "this is not a counter registry"},
        {R"({"format":2,"loads":1,"counters":[]})", "this is not a counter registry"},
        {R"({"format":1,"counters":[]})", "this is not a counter registry"},
        {R"({"format":1,"loads":1})", "this is not a counter registry"},
        {R"({"format":"1","loads":1,"counters":[]})", "this is not a counter registry"},
        {R"({"format":1,"loads":1,"counters":[{"id":128}]})",
         R"(an entry of the counter registry is malformed: {"id":128})"},
        {R"({"format":1,"loads":1,"counters":[{"id":1,"name":"a","place":"","chain":"","verdict":"","gone_since":0}]})",
         "counter 1 of the registry is out of range"},
        {R"({"format":1,"loads":1,"counters":[
            {"id":128,"name":"a","place":"","chain":"","verdict":"","gone_since":0},
            {"id":128,"name":"b","place":"","chain":"","verdict":"","gone_since":0}]})",
         "counter 128 is in the registry twice"},
        {R"({"format":1,"loads":1,"counters":[
            {"id":128,"name":"a","place":"","chain":"","verdict":"","gone_since":0},
            {"id":129,"name":"a","place":"","chain":"","verdict":"","gone_since":0}]})",
         "'a' is in the counter registry twice"},
    };
    for (const auto& [text, message] : cases) {
        CounterRegistry registry;
        const Result<void> read = registry.from_json(text);
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().message, message);
        EXPECT_TRUE(registry.list().empty());
    }
}

}  // namespace
}  // namespace dishwall
