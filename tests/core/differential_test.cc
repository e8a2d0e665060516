// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/differential.h"

#include <gtest/gtest.h>

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
}

}  // namespace
}  // namespace dishwall::test
