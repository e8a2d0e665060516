// SPDX-License-Identifier: BSD-3-Clause
//
// The rules of a chain, cut into lines of one protocol with one range of ports each. Lines of the kind that
// most rules are made of (one port of one host) become services, found by their key; the others are general,
// and so is one service for very many peers.
// What the lines of a rule share is kept once, in its head.
#pragma once

#include <cstdint>
#include <vector>

#include "bpf/core/image_layout.h"
#include "rules/image/address_sets.h"
#include "rules/lower.h"

namespace dishwall {

struct RuleHead {
    const AddressSet* ours;  // of the end behind the line
    const AddressSet* peer;
    std::uint32_t counter;
    std::uint32_t index;  // dw_rule.index
    std::uint32_t rate;   // dw_rule.rate
    std::uint32_t inspect;  // dw_rule.inspect
    std::uint8_t verdict;
    std::uint8_t flags;        // DW_RULE_LOG, DW_RULE_INDEPENDENT
    bool any_peer;             // `peer` is everybody
    std::uint32_t first_host;  // of ChainLines::hosts
    std::uint32_t hosts;       // how many: `ours` is these and nothing else; 0: it is something else

    // Does a packet that matches go no further?
    [[nodiscard]] bool is_final() const { return verdict != DW_AUDIT && rate == 0; }
};

struct RuleLine {
    std::uint32_t head;  // index into ChainLines::heads
    std::uint16_t port_first, port_last;
    std::uint16_t from_first, from_last;
    std::uint8_t proto;
    bool any_proto;
};

// In the order of the file, both.
struct ChainLines {
    std::vector<RuleHead> heads;
    std::vector<Ipv6Address>
        hosts;  // keys of places and learnt hosts; here, since rules lie far apart in memory
    std::vector<RuleLine> services;
    std::vector<RuleLine> general;
};

// `next_index` is the first rule's, and what follows the last one's; rates are added to `rates`.
[[nodiscard]] Result<ChainLines> lines_of(const Policy& policy, Direction direction,
                                          const CounterOf& counter_of, std::uint32_t* next_index,
                                          std::vector<dw_rate>* rates);

[[nodiscard]] dw_rule encode(const RuleHead& head, const RuleLine& line, AddressSets* sets);

}  // namespace dishwall
