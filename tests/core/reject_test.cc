// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/reject_cases.h"

#include <gtest/gtest.h>

namespace dishwall::test {
namespace {

TEST(Rejections, ResetsAndErrorsAreWellFormedAndLimited) { check_rejections(*make_native_executor()); }

}  // namespace
}  // namespace dishwall::test
