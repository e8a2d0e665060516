// SPDX-License-Identifier: BSD-3-Clause
//
// The store of policies on a real directory, and what a daemon that starts makes of it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "control/policies/policy_store.h"
#include "control/policies/start_plan.h"

namespace dishwall {
namespace {

using namespace std::chrono_literals;

class PoliciesStore : public testing::Test {
protected:
    void SetUp() override {
        char path[] = "/tmp/dw-store-XXXXXX";
        ASSERT_NE(::mkdtemp(path), nullptr);
        directory_ = path;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    static std::vector<RuleText> texts(const std::string& of) {
        return {{"/etc/d.conf", "version 1\n# " + of + "\n"}, {"/etc/conf.d/x.conf", of}};
    }
    // In force at once.
    static unsigned add(PolicyStore* store, const std::string& text, PolicyBy by = PolicyBy::load,
                        unsigned of = 0) {
        const Result<unsigned> number =
            store->add({.time = 5s, .path = "/etc/d.conf", .by = by, .of = of, .inbound = 3, .outbound = 1},
                       texts(text));
        EXPECT_TRUE(number);
        Standing standing = store->standing();
        standing.in_force = *number;
        EXPECT_TRUE(store->stand(standing));
        return *number;
    }

    std::filesystem::path directory_;
};

TEST_F(PoliciesStore, WhatWasKeptIsThereAgain) {
    PolicyStore store = PolicyStore::open(directory_);
    EXPECT_EQ(store.standing(), Standing{});
    EXPECT_EQ(add(&store, "one"), 1u);
    EXPECT_EQ(add(&store, "two \xff", PolicyBy::start), 2u);
    Standing standing{2, Unconfirmed{1, {"boot-a", 77s, 1000s}}, {}, {1}};
    ASSERT_TRUE(store.stand(standing));

    const PolicyStore again = PolicyStore::open(directory_);
    EXPECT_TRUE(again.warnings().empty());
    EXPECT_EQ(again.standing(), standing);
    ASSERT_EQ(again.all().size(), 2u);
    EXPECT_EQ(again.find(2)->by, PolicyBy::start);
    EXPECT_EQ(again.find(2)->of, 2u);
    EXPECT_EQ(again.find(2)->inbound, 3u);
    EXPECT_TRUE(again.has_texts(2, texts("two \xff")));
    EXPECT_FALSE(again.has_texts(2, texts("two")));
    EXPECT_FALSE(again.has_texts(2, {}));
    EXPECT_EQ(again.with_texts({2, 1}, texts("one")), 1u);
    EXPECT_EQ(again.texts(9).error().message, "there is no policy 9");
}

TEST_F(PoliciesStore, EachRollbackGoesOneFurtherBack) {
    PolicyStore store = PolicyStore::open(directory_);
    for (const char* text : {"a", "b", "c"}) add(&store, text);
    EXPECT_EQ(store.before(3), 2u);
    EXPECT_EQ(add(&store, "b", PolicyBy::rollback, 2), 4u);
    EXPECT_EQ(store.before(4), 1u) << "policy 4 is policy 2 again";
    EXPECT_EQ(add(&store, "d"), 5u);
    EXPECT_EQ(store.before(5), 4u);
    EXPECT_EQ(store.before(1), std::nullopt);
    Standing standing = store.standing();
    standing.reverted = {4};
    ASSERT_TRUE(store.stand(standing));
    EXPECT_EQ(store.before(5), 3u) << "what nobody confirmed is nothing to go back to";
}

TEST_F(PoliciesStore, KeepsTheNewestAndWhatIsStillNeeded) {
    PolicyStore store = PolicyStore::open(directory_);
    for (int i = 0; i < 3; ++i) add(&store, std::to_string(i));
    Standing standing = store.standing();
    standing.unconfirmed = Unconfirmed{2, {}};
    standing.refused = {3};
    ASSERT_TRUE(store.stand(standing));
    for (int i = 3; i < 50; ++i) add(&store, std::to_string(i));
    EXPECT_EQ(store.all().size(), PolicyStore::kKept + 2);
    EXPECT_EQ(store.find(1), nullptr);
    EXPECT_FALSE(std::filesystem::exists(directory_ / "policies/1"));
    EXPECT_NE(store.find(2), nullptr) << "the way back";
    EXPECT_NE(store.find(3), nullptr) << "its texts must not start";
    EXPECT_EQ(store.find(4), nullptr);
    EXPECT_EQ(PolicyStore::open(directory_).all().size(), store.all().size());
}

TEST_F(PoliciesStore, HalfAPolicyIsNone) {
    PolicyStore store = PolicyStore::open(directory_);
    add(&store, "one");
    std::filesystem::create_directories(directory_ / "policies/2");
    std::ofstream(directory_ / "policies/2/0") << "half a te";
    std::filesystem::create_directories(directory_ / "policies/3");
    std::ofstream(directory_ / "policies/3/meta.json") << "{}";
    std::ofstream(directory_ / "policies/state.json") << "{\"in_force\": \"x\"}";
    PolicyStore again = PolicyStore::open(directory_);
    ASSERT_EQ(again.all().size(), 1u);
    ASSERT_EQ(again.warnings().size(), 2u);
    EXPECT_EQ(again.warnings()[0], (directory_ / "policies/3").string() + " does not describe a policy");
    EXPECT_EQ(again.warnings()[1], (directory_ / "policies/state.json").string() +
                                       " does not say what is in force: nothing is known of it");
    EXPECT_EQ(add(&again, "two"), 2u);
    EXPECT_TRUE(again.has_texts(2, texts("two")));
    std::filesystem::remove(directory_ / "policies/2/1");
    EXPECT_EQ(again.texts(2).error().message,
              "policy 2 is not whole: " + (directory_ / "policies/2/1").string() + " is missing");
}

TEST_F(PoliciesStore, WhatAPowerCutLeftOfAPolicyIsNone) {
    PolicyStore store = PolicyStore::open(directory_);
    add(&store, "one");
    ASSERT_TRUE(store.add({}, texts("two"), Synced::no));
    std::filesystem::resize_file(directory_ / "policies/2/0", 1);
    PolicyStore again = PolicyStore::open(directory_);
    ASSERT_EQ(again.all().size(), 1u);
    ASSERT_EQ(again.warnings().size(), 1u);
    EXPECT_EQ(again.warnings()[0], "policy 2 is not whole and is left out");
}

TEST_F(PoliciesStore, WithoutRoomItSaysSo) {
    std::ofstream(directory_ / "policies") << "a file where the directory should be";
    PolicyStore store = PolicyStore::open(directory_);
    const Result<unsigned> number = store.add({}, texts("one"));
    ASSERT_FALSE(number);
    EXPECT_EQ(number.error().message.find("the policy cannot be kept: cannot create "), 0u)
        << number.error().message;
    EXPECT_TRUE(store.all().empty());
}

// ---- what a start makes of it

const Standing kUnconfirmed{7, Unconfirmed{5, {"boot-a", 100s, 0s}}, {}, {}};

TEST(PoliciesStart, TheRuleFileWhenNothingIsOutOfTheOrdinary) {
    const StartPlan plan = plan_start({3, {}, {1}, {}}, "boot-a", 50s);
    EXPECT_EQ(plan.stored, 0u);
    EXPECT_EQ(plan.standing, (Standing{3, {}, {1}, {}}));
    EXPECT_EQ(plan.why, "");
}

TEST(PoliciesStart, WithinItsTimeTheUnconfirmedPolicyGoesOn) {
    const StartPlan plan = plan_start(kUnconfirmed, "boot-a", 99500ms);
    EXPECT_EQ(plan.stored, 7u);
    EXPECT_EQ(plan.by, PolicyBy::start);
    EXPECT_EQ(plan.standing, kUnconfirmed);
    EXPECT_EQ(plan.why, "policy 7 is not confirmed yet: back to policy 5 in 1 s");
}

TEST(PoliciesStart, AfterItsTimeTheFormerOneIsBack) {
    const StartPlan plan = plan_start(kUnconfirmed, "boot-a", 100s);
    EXPECT_EQ(plan.stored, 5u);
    EXPECT_EQ(plan.by, PolicyBy::revert);
    EXPECT_EQ(plan.standing, (Standing{5, {}, {7}, {7}}));
    EXPECT_EQ(plan.why, "policy 7 was not confirmed in time: back to policy 5");
}

TEST(PoliciesStart, AfterARebootTheFormerOneIsBackHoweverMuchTimeWasLeft) {
    const StartPlan plan = plan_start(kUnconfirmed, "boot-b", 3s);
    EXPECT_EQ(plan.stored, 5u);
    EXPECT_EQ(plan.by, PolicyBy::revert);
    EXPECT_EQ(plan.standing, (Standing{5, {}, {7}, {7}}));
    EXPECT_EQ(plan.why, "policy 7 was not confirmed before the machine booted again: back to policy 5");
}

TEST(PoliciesStart, AFileThatWasTakenBackIsNotStarted) {
    const StartPlan plan = plan_instead_of({5, {}, {7}, {7}}, 7, "/etc/d.conf");
    EXPECT_EQ(plan.stored, 5u);
    EXPECT_EQ(plan.why,
              "/etc/d.conf is NOT used: it is still the text of policy 7, which was taken back. Policy 5 is "
              "started "
              "in its place; edit the file, or load it with 'dishctl load'");
}

}  // namespace
}  // namespace dishwall
