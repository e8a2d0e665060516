// SPDX-License-Identifier: BSD-3-Clause
//
// Resolved policy -> the flat image that the packet core reads (bpf/core/layout.h, "the policy image").
// This, with its parts in rules/image/, is the only writer of the image; the core is the only reader. Places
// behind the line stay places, so an image is good for every prefix the line will ever have.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "rules/image/facts.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

// The counter of a rule, DW_REASONS_MAX..DW_COUNTERS-1. The daemon keeps it stable by name, so that totals
// survive a load. Rules are asked for in order, inbound first.
using CounterOf = std::function<std::uint32_t(const Rule& rule)>;

// Which rule an image's rule_index means.
inline std::size_t rule_index_of_inbound(std::size_t position) { return position; }
inline std::size_t rule_index_of_outbound(const Policy& policy, std::size_t position) {
    return policy.inbound.rules.size() + position;
}
[[nodiscard]] const Rule* rule_at(const Policy& policy, std::size_t rule_index);

struct CompiledImage {
    // Whole lines: dw_image.lines * DW_LINE bytes, at most DW_IMAGE_SIZE. dw_image.generation and .bank are
    // left 0 for the daemon.
    std::vector<std::byte> image;
    ImageFacts facts;
};

[[nodiscard]] Result<CompiledImage> lower(const Policy& policy, const CounterOf& counter_of);

}  // namespace dishwall
