// SPDX-License-Identifier: BSD-3-Clause
//
// Runs the table of vectors on the packet core compiled for user space. vectors_bpf_test.cc runs the same
// table through the loaded program.
#include "tests/core/vectors.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/core/executor.h"
#include "tests/core/names.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

class Vectors : public testing::TestWithParam<std::size_t> {};

TEST_P(Vectors, Native) {
    const Vector& vector = vectors()[GetParam()];
    const std::unique_ptr<Executor> native = make_native_executor();
    native->set_own(world_own());
    native->install(lower_or_throw(read_or_throw(kWorldRules)));
    for (std::size_t i = 0; i < vector.steps.size(); ++i) {
        const Step& step = vector.steps[i];
        const dw_outcome outcome = native->run(step.direction, step.frame);
        const std::string where = vector.requirement + " " + vector.claim + ", step " + std::to_string(i + 1);
        EXPECT_EQ(reason_name(outcome.reason), reason_name(step.reason)) << where << ": " << describe(outcome);
        EXPECT_EQ(verdict_name(outcome.verdict), verdict_name(step.verdict)) << where;
        EXPECT_EQ(native->counter(step.reason).packets > 0, true) << where << " was not counted";
    }
}

INSTANTIATE_TEST_SUITE_P(Table, Vectors, testing::Range<std::size_t>(0, vectors().size()),
                         [](const auto& info) {
                             std::string name = vectors()[info.param].requirement + "_" +
                                                vectors()[info.param].claim + "_" + std::to_string(info.param);
                             for (char& c : name)
                                 if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                             return name;
                         });

// Reasons that no single packet in an ordinary world can show.
const std::set<unsigned> kShownElsewhere = {
    DW_REASON_NO_POLICY,        // NativeCore.DropsEverythingWithoutAPolicy
    DW_REASON_FLOW_TABLE_FULL,  // NativeCore.AFullTableRefusesWithAReason
    DW_REASON_INTERNAL,         // cannot be provoked: it answers a map look-up that cannot fail
    DW_REASON_IPV4_PASS,        // NativeCore.Ipv4ModesOfTheUplink
    DW_REASON_IPV4_DROP,        // NativeCore.Ipv4ModesOfTheUplink
    DW_REASON_DEFAULT_REJECT,   // NativeCore.ADefaultMayReject
};

TEST(VectorTable, EveryReasonHasAVector) {
    std::set<unsigned> shown = kShownElsewhere;
    for (const Vector& vector : vectors())
        for (const Step& step : vector.steps) shown.insert(step.reason);
#define DW_EXPECT_SHOWN(identifier, number, name, text) \
    EXPECT_EQ(shown.count(number), 1u) << "no vector ends with reason " << name;
    DW_REASONS(DW_EXPECT_SHOWN)
#undef DW_EXPECT_SHOWN
}

TEST(VectorTable, EveryRequirementOfThisVersionHasAVector) {
    std::set<std::string> named;
    for (const Vector& vector : vectors()) named.insert(vector.requirement);
    for (const char* requirement : {"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12",
                                    "R13", "R14", "R15", "R16", "R17", "R18", "R19", "R20", "R21", "R23", "R24",
                                    "R25", "R26", "R30", "R31", "R36", "R40", "N1", "N2", "N3", "N4", "N5", "N6",
                                    "N8"})
        EXPECT_EQ(named.count(requirement), 1u) << requirement << " has no vector";
}

}  // namespace
}  // namespace dishwall::test
