// SPDX-License-Identifier: BSD-3-Clause
//
// The same table through the program that the verifier approved: verdict, reason, rule and flow must be what
// the native core says, packet by packet. Needs root.
#include <gtest/gtest.h>

#include "tests/core/executor.h"
#include "tests/core/play.h"
#include "tests/core/vectors.h"

namespace dishwall::test {
namespace {

TEST(VectorsBpf, EqualTheNativeCoreStepByStep) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bpf = make_bpf_executor();
    for (const Vector& vector : vectors())
        if (!vector.strangers) play(vector, *native, bpf.get());
}

TEST(VectorsBpf, AskTheKernelForNeighbours) {
    const TableSetup setup{.strangers = true};
    const std::unique_ptr<Executor> native = make_native_executor(setup);
    const std::unique_ptr<Executor> bpf = make_bpf_executor(setup);
    for (const Vector& vector : vectors())
        if (vector.strangers) play(vector, *native, bpf.get());
}

}  // namespace
}  // namespace dishwall::test
