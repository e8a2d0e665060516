// SPDX-License-Identifier: BSD-3-Clause
// Needs root.
#include <gtest/gtest.h>

#include "tests/core/differential.h"

namespace dishwall::test {
namespace {

TEST(DifferentialBpf, EvaluatorNativeCoreAndLoadedProgramAgree) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bpf = make_bpf_executor();
    const DifferentialResult result = compare_random(300, 400, 42, *native, bpf.get());
    EXPECT_EQ(result.first_difference, "");
    EXPECT_GE(result.pairs, 120'000u);
    EXPECT_GE(result.judged_by_rules, 45'000u);
}

}  // namespace
}  // namespace dishwall::test
