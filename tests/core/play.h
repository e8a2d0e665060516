// SPDX-License-Identifier: BSD-3-Clause
//
// Plays a vector on one executor, or on two that must agree in all that they say and remember.
#pragma once

#include "tests/core/executor.h"
#include "tests/core/vectors.h"

namespace dishwall::test {

// Sets both to the world of world.h with empty tables, plays, and reports what differs from the table, or
// between the two, as GoogleTest failures. `second` may be null; it sees only frames that BPF_PROG_TEST_RUN
// can take.
void play(const Vector& vector, Executor& first, Executor* second);

}  // namespace dishwall::test
