// SPDX-License-Identifier: BSD-3-Clause
//
// Random policies, and random packets drawn from the same small pools of addresses and ports, so that rules
// match, nearly match and shadow each other often. The same seed gives the same run.
#pragma once

#include <optional>
#include <random>

#include "rules/evaluate.h"
#include "rules/policy.h"
#include "tests/core/packet.h"

namespace dishwall::test {

struct Shot {
    Query query;  // what the packet says, for the evaluator
    Bytes frame;
};

class RandomPolicy {
public:
    explicit RandomPolicy(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] Policy policy();
    [[nodiscard]] Own own();
    // A packet that would open a flow, inbound or outbound, often one that `own` lets reach the rules.
    [[nodiscard]] Shot shot(const Own& own);
    // The frame with a few of its bytes changed, or its end cut off.
    [[nodiscard]] Bytes mutate(Bytes frame);

private:
    [[nodiscard]] unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }
    [[nodiscard]] Rule rule(bool inbound, unsigned number);
    [[nodiscard]] ProtocolMatch match();
    [[nodiscard]] PortRanges ports();
    [[nodiscard]] AddressSet address_set();
    [[nodiscard]] AddressElement element();
    [[nodiscard]] AddressElement in_feed();
    [[nodiscard]] Rate rate();
    [[nodiscard]] Ipv6Address peer();
    [[nodiscard]] Ipv6Address ours(const Own& own);

    std::mt19937_64 random_;
    bool limits_ = false;  // rules of the policy in work have rates
};

}  // namespace dishwall::test
