// SPDX-License-Identifier: BSD-3-Clause
//
// Which open flows would another policy end (R28)? Flows that were opened from outside are judged again when
// a policy comes in force; asked here of the evaluator, before anything is loaded, by `shadow` and `diff`.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "control/flow_reader.h"
#include "rules/evaluate.h"

namespace dishwall {

// The question that the policy is asked about a flow that was opened from outside, as its first packet put
// it. Nothing: this flow is not judged again.
[[nodiscard]] std::optional<Query> first_question(const dw_flow& flow);

// What is ours, with prefix sources numbered as in `to` instead of as in `from`: they are matched by name.
// Prefixes of sources that `to` does not have are left out.
[[nodiscard]] Own own_for(const Own& own, const Uplink& from, const Uplink& to);

// `own`: as `candidate` numbers it. Rates are not asked.
[[nodiscard]] std::vector<FlowSnapshot> ended_flows(const Policy& candidate, const Own& own,
                                                    std::span<const FlowSnapshot> flows);

}  // namespace dishwall
