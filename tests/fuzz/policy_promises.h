// SPDX-License-Identifier: BSD-3-Clause
//
// What rules/policy.h promises to the passes behind it, checked on whatever policy a fuzzer's text came to.
#pragma once

#include <cstdlib>

#include "rules/policy.h"

namespace dishwall::test {

inline void require(bool condition) {
    if (!condition) std::abort();
}

void check_promises(const Policy& policy);
void check_entries(const FeedEntries& entries);  // sorted, none in another one

}  // namespace dishwall::test
