// SPDX-License-Identifier: BSD-3-Clause
// Needs root.
#include "tests/core/reject_cases.h"

#include <gtest/gtest.h>

namespace dishwall::test {
namespace {

TEST(RejectionsBpf, ResetsAndErrorsAreWellFormedAndLimited) { check_rejections(*make_bpf_executor()); }

}  // namespace
}  // namespace dishwall::test
