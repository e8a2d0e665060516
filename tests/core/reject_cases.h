// SPDX-License-Identifier: BSD-3-Clause
//
// What a rejected sender must and must not be told (R26, R20), checked on the bytes of the reply. The same
// checks run on the native core and on the loaded program.
#pragma once

#include "tests/core/executor.h"

namespace dishwall::test {

// Runs every check on this executor with GoogleTest's EXPECT_*.
void check_rejections(Executor& executor);

}  // namespace dishwall::test
