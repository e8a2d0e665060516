// SPDX-License-Identifier: BSD-3-Clause
//
// Of a build without Hyperscan.
#include <gtest/gtest.h>

#include "dataplane/replay/inspection.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

TEST(Inspections, WithoutHyperscanThereAreNone) {
    const Policy policy = read_or_throw(kWorldRules);
    const auto core = ReplayCore::make(policy);
    ASSERT_TRUE(core);
    const auto inspection = make_inspection(policy, **core);
    ASSERT_FALSE(inspection);
    EXPECT_EQ(
        inspection.error().message,
        "this build cannot search for signatures: it was made without Hyperscan; install libhyperscan-dev or "
        "libvectorscan-dev and build again, or leave --signatures out");
}

}  // namespace
}  // namespace dishwall::test
