// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/differential.h"

#include <gtest/gtest.h>

#include "tests/sanitized.h"

namespace dishwall::test {
namespace {

TEST(Differential, EvaluatorAndNativeCoreAgree) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const DifferentialResult result = compare_random(500, 400, 20261122, *native, nullptr);
    EXPECT_EQ(result.first_difference, "");
    EXPECT_GE(result.pairs, 200'000u);
    EXPECT_GE(result.judged_by_rules, 75'000u) << "too few packets reach the rules to mean anything";
    EXPECT_GE(result.accepted, 20'000u);
    EXPECT_GE(result.over_rate, 1'000u);
    EXPECT_GE(result.inspected, 500u);
}

class LargePolicies : public testing::TestWithParam<Shape> {};

TEST_P(LargePolicies, OracleAndNativeCoreAgree) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const unsigned packets = 5'000 / kRandomRunsDividedBy;
    // Around the size from which on rules are found by tuples, too.
    for (const unsigned size : {1u, 16u, 17u, 300u, 10'000u / kRandomRunsDividedBy}) {
        const DifferentialResult result = compare_large(GetParam(), size, packets, *native, nullptr);
        EXPECT_EQ(result.first_difference, "");
        EXPECT_GE(result.judged_by_rules, packets / 2) << "too few packets reach the rules to mean anything";
    }
}

INSTANTIATE_TEST_SUITE_P(, LargePolicies, testing::ValuesIn(kShapes),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace dishwall::test
