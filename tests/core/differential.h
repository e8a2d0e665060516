// SPDX-License-Identifier: BSD-3-Clause
//
// Random (policy, packet) pairs and random conversations through the slow evaluator, the native core and,
// given one, the loaded program. They must agree: core and program on everything, the evaluator wherever the
// rules decided.
#pragma once

#include "tests/core/executor.h"
#include "tests/core/large_policy.h"

namespace dishwall::test {

struct DifferentialResult {
    unsigned pairs = 0;
    unsigned judged_by_rules = 0;  // of the pairs: those that the evaluator had a say in
    unsigned accepted = 0;
    unsigned over_rate = 0;        // some rule did not match only because of its rate
    unsigned inspected = 0;        // left to the inspector, or to what its failure comes to
    std::string first_difference;  // empty: none
};

DifferentialResult compare_random(unsigned policies, unsigned packets_each, std::uint64_t seed,
                                  Executor& native, Executor* bpf);

// The same for one large policy; `size` as LargePolicy takes it.
DifferentialResult compare_large(Shape shape, unsigned size, unsigned packets, Executor& native,
                                 Executor* bpf);

struct ConversationResult {
    unsigned packets = 0;
    unsigned reasons = 0;  // how many different ones the packets left with
    unsigned in_flows = 0;
    unsigned established = 0;  // packets that belonged to an established flow
    std::string first_difference;
};

// Verdict, reason and flow state of `packets` frames of conversation.h, while time goes by, policies are
// loaded over each other, and everything is forgotten now and then.
ConversationResult compare_conversations(unsigned packets, std::uint64_t seed, Executor& native,
                                         Executor& bpf);

}  // namespace dishwall::test
