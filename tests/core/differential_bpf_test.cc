// SPDX-License-Identifier: BSD-3-Clause
// Needs root.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/core/differential.h"

namespace dishwall::test {
namespace {

TEST(DifferentialBpf, EvaluatorNativeCoreAndLoadedProgramAgree) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bpf = make_bpf_executor();
    const char* more =
        std::getenv("DISHWALL_RANDOM_POLICIES");  // 25,000 are ten million pairs, in some minutes
    const unsigned policies = more == nullptr ? 500 : static_cast<unsigned>(std::atoi(more));
    const DifferentialResult result = compare_random(policies, 400, 42, *native, bpf.get());
    EXPECT_EQ(result.first_difference, "");
    EXPECT_GE(result.pairs, policies * 400);
    EXPECT_GE(result.judged_by_rules, policies * 150);
    EXPECT_GE(result.over_rate, policies);
    EXPECT_GE(result.inspected, policies / 2);
}

// At the sizes that the README speaks of. 10,000,000 pairs by hand: DISHWALL_LARGE_PAIRS=1700000
TEST(DifferentialBpf, OracleNativeCoreAndLoadedProgramAgreeOnLargePolicies) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bpf = make_bpf_executor();
    const char* more = std::getenv("DISHWALL_LARGE_PAIRS");
    const unsigned pairs = more == nullptr ? 30'000 : static_cast<unsigned>(std::atoi(more));
    for (const Shape shape : kShapes) {
        const unsigned size = shape == Shape::feed ? 1'000'000 : shape == Shape::ranges ? 32'768 : 100'000;
        const DifferentialResult result = compare_large(shape, size, pairs, *native, bpf.get());
        EXPECT_EQ(result.first_difference, "");
        EXPECT_GE(result.judged_by_rules, pairs / 2);
    }
}

TEST(DifferentialBpf, NativeCoreAndLoadedProgramAgreeOnWholeConversations) {
    // Room for all: whom an eviction takes is a question of the clock, and the kernel's goes on while ours
    // stands.
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bpf = make_bpf_executor();
    const char* more = std::getenv("DISHWALL_CONVERSATION_PACKETS");
    const unsigned packets = more == nullptr ? 1'000'000 : static_cast<unsigned>(std::atoi(more));
    const ConversationResult result = compare_conversations(packets, 20261122, *native, *bpf);
    EXPECT_EQ(result.first_difference, "");
    EXPECT_GE(result.packets, packets);
    EXPECT_GE(result.in_flows, packets / 10);
    EXPECT_GE(result.established, packets / 20);
    EXPECT_GE(result.reasons, 35u) << "the conversations have become too tame to mean anything";
}

}  // namespace
}  // namespace dishwall::test
