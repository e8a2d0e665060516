// SPDX-License-Identifier: BSD-3-Clause
//
// For tests of what allocates nothing: a program that is linked with allocations.cc counts. Of its own, so
// that no compiler sees new and free in one piece and thinks them mismatched.
#pragma once

#include <cstddef>

namespace dishwall::test {

// By operator new, since the program began. On one thread.
[[nodiscard]] std::size_t allocations();

}  // namespace dishwall::test
