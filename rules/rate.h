// SPDX-License-Identifier: BSD-3-Clause
//
// The token buckets of rules as the oracle has them: the obvious way, with a bucket of credit for each rule
// and source, and none of the packet core's hashing or arithmetic (bpf/core/meter.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "rules/policy.h"

namespace dishwall {

class RateModel {
public:
    // Is a packet of this sender over the rule's rate at this time (any clock, ns, never going back)? If not,
    // it spends a token. The rule has a rate.
    [[nodiscard]] bool over(const Rule& rule, const Ipv6Address& sender, std::uint64_t now_ns);
    void forget() { buckets_.clear(); }
    [[nodiscard]] std::size_t size() const { return buckets_.size(); }

private:
    struct Bucket {
        std::uint64_t credit_ns = 0;  // a token is as much as it takes to earn one
        std::uint64_t since_ns = 0;
    };
    std::map<std::pair<std::string, Ipv6Prefix>, Bucket> buckets_;  // by rule name and source
};

}  // namespace dishwall
