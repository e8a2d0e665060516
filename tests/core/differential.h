// SPDX-License-Identifier: BSD-3-Clause
//
// Random (policy, packet) pairs through the slow evaluator, the native core and, given one, the loaded
// program. They must agree: core and program on everything, the evaluator wherever the rules decided.
#pragma once

#include "tests/core/executor.h"

namespace dishwall::test {

struct DifferentialResult {
    unsigned pairs = 0;
    unsigned judged_by_rules = 0;  // of the pairs: those that the evaluator had a say in
    unsigned accepted = 0;
    std::string first_difference;  // empty: none
};

DifferentialResult compare_random(unsigned policies, unsigned packets_each, std::uint64_t seed, Executor& native,
                                  Executor* bpf);

}  // namespace dishwall::test
