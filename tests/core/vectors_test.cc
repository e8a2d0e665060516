// SPDX-License-Identifier: BSD-3-Clause
//
// Runs the table of vectors on the packet core compiled for user space. vectors_bpf_test.cc runs the same
// table through the loaded program.
#include "tests/core/vectors.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/core/executor.h"
#include "tests/core/play.h"

namespace dishwall::test {
namespace {

class Vectors : public testing::TestWithParam<std::size_t> {};

TEST_P(Vectors, Native) {
    const Vector& vector = vectors()[GetParam()];
    const std::unique_ptr<Executor> native = make_native_executor({.strangers = vector.strangers});
    play(vector, *native, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Table, Vectors, testing::Range<std::size_t>(0, vectors().size()),
                         [](const auto& info) {
                             std::string name = vectors()[info.param].requirement + "_" +
                                                vectors()[info.param].claim + "_" +
                                                std::to_string(info.param);
                             for (char& c : name)
                                 if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                             return name;
                         });

std::string text_of(const std::string& path) {
    std::ifstream file(std::string(DISHWALL_SOURCE_ROOT "/tests/") + path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// Reasons that no packet of an ordinary world can show, and the test that does.
const std::map<unsigned, std::string> kReasonShownBy = {
    {DW_REASON_NO_POLICY, "NativeCore, DropsEverythingWithoutAPolicy"},
    {DW_REASON_FLOW_TABLE_FULL, "NativeCore, AFullTableRefusesWithAReason"},
    {DW_REASON_FRAGMENT_TABLE_FULL, "NativeCore, AFullFragmentTableRefusesWithAReason"},
    {DW_REASON_IPV4_PASS, "NativeCore, Ipv4ModesOfTheUplink"},
    {DW_REASON_IPV4_DROP, "NativeCore, Ipv4ModesOfTheUplink"},
};

TEST(VectorTable, EveryReasonHasAVector) {
    std::set<unsigned> shown = {DW_REASON_INTERNAL};  // answers a map look-up that cannot fail
    const std::string elsewhere = text_of("core/native_core_test.cc");
    for (const auto& [reason, test] : kReasonShownBy) {
        EXPECT_NE(elsewhere.find(test), std::string::npos) << test << " is gone";
        shown.insert(reason);
    }
    for (const Vector& vector : vectors())
        for (const Step& step : vector.steps)
            if (const auto* judged = std::get_if<Judged>(&step)) shown.insert(judged->reason);
#define DW_EXPECT_SHOWN(identifier, number, name, text) \
    EXPECT_EQ(shown.count(number), 1u) << "no vector ends with reason " << name;
    DW_REASONS(DW_EXPECT_SHOWN)
#undef DW_EXPECT_SHOWN
}

// Requirements that are about time, devices and processes, not about packets, and the tests that name them.
const std::map<std::string, std::string> kRequirementShownBy = {
    {"R29", "control/line_follower_test.cc"},  {"R32", "control/prefix_tracker_test.cc"},
    {"R33", "control/prefix_tracker_test.cc"}, {"R34", "e2e/test_uplink.py"},
    {"R35", "control/daemon_uplink_test.cc"},
};

TEST(VectorTable, EveryRequirementIsShown) {
    std::set<std::string> named;
    for (const Vector& vector : vectors()) named.insert(vector.requirement);
    for (const auto& [requirement, file] : kRequirementShownBy) {
        EXPECT_NE(text_of(file).find(requirement), std::string::npos)
            << file << " does not name " << requirement;
        named.insert(requirement);
    }
    for (unsigned number = 1; number <= 40; ++number)
        EXPECT_EQ(named.count("R" + std::to_string(number)), 1u) << "R" << number << " has no vector";
    for (unsigned number = 1; number <= 8; ++number)
        EXPECT_EQ(named.count("N" + std::to_string(number)), 1u) << "N" << number << " has no vector";
}

}  // namespace
}  // namespace dishwall::test
