// SPDX-License-Identifier: BSD-3-Clause
//
// Which tuple of masks a general line is found by (layout.h, struct dw_tuple), and under which keys. A line
// stands under every key that some packet of it has; the finest masks that need few keys are chosen, so that
// lists are short. There are 135 combinations of masks and room for 64, so seldom used ones are folded into
// coarser ones, which cover the same packets with fewer bits.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rules/image/rule_lines.h"

namespace dishwall {

inline constexpr std::array<std::uint8_t, 9> kPeerLengths = {0, 16, 24, 32, 40, 48, 56, 64, 128};

// As numbers: the greater, the finer. `peer` is an index into kPeerLengths.
struct TupleMasks {
    std::uint8_t local = 0;    // enum dw_local_mask
    std::uint8_t service = 0;  // enum dw_service_mask
    std::uint8_t peer = 0;

    bool operator==(const TupleMasks&) const = default;
    [[nodiscard]] bool covers(const TupleMasks& finer) const {
        return local <= finer.local && service <= finer.service && peer <= finer.peer;
    }
};

// The parts of a line's keys under some masks: as hashes, each once; any one of each makes a key.
struct KeyParts {
    std::vector<std::uint64_t> place;    // dw_place_hash
    std::vector<std::uint64_t> service;  // dw_masked_service
    std::vector<std::uint64_t> peer;     // dw_peer_hash

    [[nodiscard]] std::size_t keys() const { return place.size() * service.size() * peer.size(); }
};
void find_key_parts(const RuleHead& head, const RuleLine& line, const TupleMasks& masks, KeyParts* parts);

struct TuplePlan {
    std::vector<dw_tuple> tuples;       // by `first`
    std::vector<TupleMasks> masks;      // of each
    std::vector<std::uint8_t> of_line;  // number of the tuple of each general line
    std::size_t keys = 0;               // of all lines, as chosen before folding
};
[[nodiscard]] TuplePlan plan_tuples(const ChainLines& lines);

}  // namespace dishwall
