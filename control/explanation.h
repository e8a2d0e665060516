// SPDX-License-Identifier: BSD-3-Clause
//
// What the dry twin made of a packet, step by step as a person would follow it: headers, sanity, flow,
// policy, rate, verdict. The evaluator in rules/, which shares no code with the programs, is asked the same;
// when the two differ, one of them has a bug, and that is said loudly.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <span>

#include "control/counter_registry.h"
#include "control/flow_json.h"
#include "control/packet_text.h"
#include "control/rate_reader.h"
#include "rules/own.h"
#include "rules/policy.h"

namespace dishwall {

// What a verdict is explained with; all as in force.
struct ExplainContext {
    const Policy& policy;
    const Own& own;
    const CounterRegistry& names;
    FlowTable flows;
    FlowTimes times;
    WallClock clock;
    // The bucket of a rule that has a rate, for a packet of this sender.
    std::function<RateState(const Rule& rule, const Ipv6Address& sender)> rate;
};

struct Explanation {
    nlohmann::json reply;  // the Explain reply
    bool agree = true;     // program and evaluator
};

[[nodiscard]] Explanation explain(const PacketSpec& packet, const dw_outcome& outcome,
                                  const ExplainContext& context);

// A rule that did not match, though all but one of its parts did.
struct NearMiss {
    const Rule* rule = nullptr;
    std::string_view part;  // as mismatch() calls it
};

// Among the rules in front of `end` (null: all of the chain), in order, the first ones.
[[nodiscard]] std::vector<NearMiss> near_misses(const Chain& chain, const Rule* end, const Own& own,
                                                const Query& query);

}  // namespace dishwall
