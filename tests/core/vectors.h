// SPDX-License-Identifier: BSD-3-Clause
//
// The table of packet behaviour: each vector names its requirement, and is a short story of frames with what
// must become of each. It happens in the world of world.h, with an empty flow table.
#pragma once

#include <string>
#include <vector>

#include "bpf/core/reason.h"
#include "rules/evaluate.h"
#include "tests/core/packet.h"

namespace dishwall::test {

struct Step {
    Direction direction = Direction::inbound;
    Bytes frame;
    dw_verdict verdict = DW_DROP;
    dw_reason reason = DW_REASON_INTERNAL;
};

struct Vector {
    std::string requirement;  // "R10", "N3", or "language" for what language.md promises
    std::string claim;
    std::vector<Step> steps;
};

[[nodiscard]] const std::vector<Vector>& vectors();

}  // namespace dishwall::test
