// SPDX-License-Identifier: BSD-3-Clause
//
// The bytecode that the kernel is given must do what the native core does: here under the interpreter,
// without root. This checks the compiler's work, and the interpreter itself, on whose word budget_test.cc
// relies.
#include <gtest/gtest.h>

#include "tests/core/differential.h"
#include "tests/core/interpreted_executor.h"
#include "tests/core/play.h"
#include "tests/core/vectors.h"
#include "tests/sanitized.h"

namespace dishwall::test {
namespace {

TEST(Bytecode, EqualsTheNativeCoreInEveryVectorStepByStep) {
    for (const bool strangers : {false, true}) {
        const TableSetup setup{.strangers = strangers};
        const std::unique_ptr<Executor> native = make_native_executor(setup);
        const std::unique_ptr<Executor> bytecode = make_interpreted_executor(DISHWALL_BPF_OBJECT, setup);
        for (const Vector& vector : vectors())
            if (vector.strangers == strangers) play(vector, *native, bytecode.get());
    }
}

TEST(Bytecode, EvaluatorNativeCoreAndBytecodeAgree) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bytecode = make_interpreted_executor(DISHWALL_BPF_OBJECT);
    const DifferentialResult result =
        compare_random(100 / kRandomRunsDividedBy, 200, 6, *native, bytecode.get());
    EXPECT_EQ(result.first_difference, "");
    EXPECT_GE(result.judged_by_rules, 5'000u / kRandomRunsDividedBy);
}

TEST(Bytecode, OracleNativeCoreAndBytecodeAgreeOnLargePolicies) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bytecode = make_interpreted_executor(DISHWALL_BPF_OBJECT);
    for (const Shape shape : kShapes) {
        const DifferentialResult result = compare_large(
            shape, 5'000 / kRandomRunsDividedBy, 5'000 / kRandomRunsDividedBy, *native, bytecode.get());
        EXPECT_EQ(result.first_difference, "");
    }
}

TEST(Bytecode, NativeCoreAndBytecodeAgreeOnWholeConversations) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bytecode = make_interpreted_executor(DISHWALL_BPF_OBJECT);
    const ConversationResult result =
        compare_conversations(20'000 / kRandomRunsDividedBy, 6, *native, *bytecode);
    EXPECT_EQ(result.first_difference, "");
    EXPECT_GE(result.in_flows, 2'000u / kRandomRunsDividedBy);
}

TEST(Bytecode, AnObjectThatIsNoneIsNamed) {
    const Result<BpfCode> none = read_bpf_code("/dev/null");
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().message.find("/dev/null"), std::string::npos) << none.error().message;
}

}  // namespace
}  // namespace dishwall::test
