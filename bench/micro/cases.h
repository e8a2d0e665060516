// SPDX-License-Identifier: BSD-3-Clause
//
// The packets that the packet core is timed on, and what each must come to. A case is checked before it is
// timed: a fast wrong answer is not a result.
#pragma once

#include <string>
#include <vector>

#include "bench/compiled.h"
#include "rules/evaluate.h"
#include "tests/core/packet.h"

namespace dishwall::bench {

using test::Bytes;

struct Case {
    std::string name;
    Bytes frame;
    unsigned reason = 0;      // enum dw_reason
    bool needs_flow = false;  // `opening(n)` must have gone out first
};

inline constexpr unsigned kMicroServices = 16;

[[nodiscard]] std::vector<Case> inbound_cases();

// Makes packet number n of an inbound frame: another peer. The last four bytes of the payload take up the
// difference, so the checksum stays right.
void vary_inbound(Bytes& frame, std::uint32_t n);

// What the inside host sends to peer n, so that the established case's packet n is the reply.
[[nodiscard]] Bytes opening_frame();
void vary_outbound(Bytes& frame, std::uint32_t n);

// "" when the outcome is what the case says, else both in words.
[[nodiscard]] std::string difference(const Case& c, const dw_outcome& outcome);

}  // namespace dishwall::bench
