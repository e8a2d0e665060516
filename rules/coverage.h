// SPDX-License-Identifier: BSD-3-Clause
//
// Exactly which packets come to which rule of a chain. Traffic is a few boxes (packet_space.h); each rule on
// its way takes its part out, and what is left goes on in pieces. Depth first, so that the first packet that
// somebody looks for ends the search, and with a budget: a hostile file must not take minutes. Where the
// budget ends, nothing is claimed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "rules/address_set.h"
#include "rules/packet_space.h"
#include "rules/policy.h"

namespace dishwall {

// A rule that packets meet. One that does not take them, sees them and lets them pass.
struct Station {
    std::shared_ptr<const Shape> shape;
    bool takes = true;
};

enum class Walked { whole, stopped, gave_up };

// `visit` is called with the number of a station and packets that come to it and are matched, and with
// stations.size() and packets that came past all; false ends the walk.
using Visit = std::function<bool(std::size_t station, const Box& packets)>;
[[nodiscard]] Walked walk(const PacketSpace& space, const std::vector<Station>& stations,
                          std::vector<Box> packets, WorkBudget* budget, const Visit& visit);

// The chain of a space's direction; what a rule means there is worked out when it is first asked for.
class ChainShapes {
public:
    explicit ChainShapes(const PacketSpace& space);

    [[nodiscard]] const Chain& chain() const { return chain_; }
    [[nodiscard]] std::shared_ptr<const Shape> at(std::size_t rule);
    // Those of the rules that match some of the packets. Empty: the budget ran out.
    [[nodiscard]] std::optional<std::vector<std::size_t>> meeting(const std::vector<Box>& packets,
                                                                  const std::vector<std::size_t>& rules,
                                                                  WorkBudget* budget);

private:
    const PacketSpace& space_;
    const Chain& chain_;
    std::unordered_map<std::size_t, std::shared_ptr<const Shape>> shapes_;
};

// What part of some traffic comes to.
struct Outcome {
    dw_verdict verdict = DW_DROP;
    const Rule* rule = nullptr;  // null: the chain's default
    std::string example;         // "tcp from 2001:db8:7::5 port 1024 to nas port 22"
};

// Every rule that decides a part of the traffic, in the order of the rules, the default last; of the policy
// by its words, and no packet is over a rate. Work is bounded: of traffic that too many rules part, some may
// be missing.
[[nodiscard]] std::vector<Outcome> outcomes(const Policy& policy, Direction direction,
                                            const Traffic& traffic);

}  // namespace dishwall
