// SPDX-License-Identifier: BSD-3-Clause
//
// A long file comes to the same policy, and to the same complaints in the same order, whether one thread
// reads it or two do.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/rules/stages.h"
#include "tests/rules/text.h"
#include "tests/sanitized.h"

namespace dishwall::test {
namespace {

constexpr std::size_t kLong = 12'000;  // rules; two threads begin at 100,000 words and signs

std::string rule(std::size_t i) {
    switch (i % 5) {
        case 0:
            return fmt::format("accept udp {} to nas name r{}", i, i);
        case 1:
            return fmt::format("accept tcp {{ {},\n {} }} from {{ 2a00::/16, not 2a00:{:x}::/32 }} to nas", i,
                               i + 30001, i);
        case 2:
            return fmt::format("drop tcp from 2a01:{:x}::/32 port {} to lan log", i, i);
        case 3:
            return fmt::format("accept service web from 2a02:{:x}::/32 to nas; audit icmpv6 echo-request", i);
        default:
            return fmt::format("accept sctp {} to nas # {{ a comment", i);
    }
}

// `more` stands behind rule number `at`.
std::string rules(std::string_view more = {}, std::size_t at = 0) {
    std::string text;
    for (std::size_t i = 0; i < kLong; ++i) {
        text += rule(i) + "\n";
        if (i == at) text += std::string(more) + "\n";
    }
    return text;
}

std::string file(const std::string& rules) {
    return "version 1\nuplink dish {\n interface eth0\n prefix pd from dhcpv6-pd\n}\nnetwork lan = dish.pd "
           "subnet 1\n"
           "host nas = lan ::10\nservice web = tcp 80\npolicy inbound on dish {\n" +
           rules + "}\n";
}

struct Outcome {
    std::string policy, complaints, meanwhile;
};

Outcome outcome_of(const std::string& text, bool two_threads) {
    Environment environment = few_services();
    environment.two_threads = two_threads;
    Outcome outcome;
    environment.meanwhile = [&](const Policy& policy) { outcome.meanwhile += dump_policy(policy); };
    Compiled compiled = read_policy("rules.conf", text, environment);
    if (compiled.policy) outcome.policy = dump_policy(*compiled.policy);
    outcome.complaints = render(compiled.diagnostics, compiled.sources, false);
    return outcome;
}

void expect_same(const std::string& text, std::string_view complaint) {
    const Outcome one = outcome_of(text, false), two = outcome_of(text, true);
    EXPECT_TRUE(one.policy == two.policy);  // too long to be printed
    EXPECT_EQ(one.complaints, two.complaints);
    EXPECT_NE(one.complaints.find(complaint), std::string::npos) << one.complaints;
    EXPECT_EQ(one.meanwhile, "");
    EXPECT_TRUE(one.policy.empty() || two.meanwhile == two.policy);
}

TEST(TwoThreads, ReadTheSamePolicy) {
    const std::string text = file(rules());
    expect_same(text, "");
    EXPECT_NE(outcome_of(text, true).policy, "");
}

TEST(TwoThreads, FindTheSameMistakesInTheSameOrder) {
    if (kRandomRunsDividedBy > 1) GTEST_SKIP() << "half a minute a file under the sanitizers";
    for (const std::size_t at : {std::size_t{10}, kLong - 10}) {
        expect_same(file(rules("accept tcp 80 too nas", at)), "expected");
        expect_same(file(rules("accept tcp { 80", at)), "expected");
        expect_same(file(rules("}", at)), "unknown keyword");
        expect_same(file(rules("host", at)), "this block is not closed");
        expect_same(file(rules("accept tcp 80 to nobody", at)), "unknown name");
        expect_same(file(rules("accept tcp 25 to nas", at)), "the carrier blocks this port");
        expect_same(file(rules("default drop\ndefault accept", at)), "this is given twice");
        expect_same(file(rules("accept udp 5 to nas name r0", at)), "this name is defined twice");
    }
}

TEST(TwoThreads, ReadWhatABlockSaysOfItselfInEitherHalf) {
    if (kRandomRunsDividedBy > 1) GTEST_SKIP() << "half a minute a file under the sanitizers";
    for (const std::size_t at : {std::size_t{10}, kLong - 10})
        expect_same(file(rules("default reject\nlog sample 1/7", at)), "");
    expect_same(file("default drop\n" + rules("default accept", kLong - 10)), "this is given twice");
}

TEST(TwoThreads, ReadSeveralLongBlocks) {
    if (kRandomRunsDividedBy > 1) GTEST_SKIP() << "half a minute a file under the sanitizers";
    const std::string text =
        file(rules()) + "policy outbound on dish {\n" + rules("accept tcp 80 to nowhere", 7000) + "}\n";
    expect_same(text, "this name is defined twice");
}

}  // namespace
}  // namespace dishwall::test
