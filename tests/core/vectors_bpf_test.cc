// SPDX-License-Identifier: BSD-3-Clause
//
// The same table through the program that the verifier approved: verdict, reason, rule and flow must be what
// the native core says, packet by packet. Needs root.
#include <gtest/gtest.h>

#include "tests/core/executor.h"
#include "tests/core/names.h"
#include "tests/core/vectors.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

TEST(VectorsBpf, EqualTheNativeCoreStepByStep) {
    const std::unique_ptr<Executor> native = make_native_executor();
    const std::unique_ptr<Executor> bpf = make_bpf_executor();
    const std::vector<std::byte> image = lower_or_throw(read_or_throw(kWorldRules));
    for (Executor* executor : {native.get(), bpf.get()}) {
        executor->set_own(world_own());
        executor->install(image);
    }
    for (const Vector& vector : vectors()) {
        native->forget_flows();
        bpf->forget_flows();
        for (const Step& step : vector.steps) {
            if (step.frame.size() <= 14) continue;  // BPF_PROG_TEST_RUN takes no frame without a payload
            const dw_outcome expected = native->run(step.direction, step.frame);
            const dw_outcome outcome = bpf->run(step.direction, step.frame);
            const std::string where = vector.requirement + " " + vector.claim;
            EXPECT_EQ(reason_name(outcome.reason), reason_name(step.reason)) << where;
            EXPECT_TRUE(same(outcome, expected))
                << where << "\n bpf:    " << describe(outcome) << "\n native: " << describe(expected);
            if (outcome.flow != 0 && outcome.flow == expected.flow) {
                EXPECT_TRUE(same(bpf->flow(outcome.flow), native->flow(expected.flow))) << where;
            }
        }
    }
}

}  // namespace
}  // namespace dishwall::test
