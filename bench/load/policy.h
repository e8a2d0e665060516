// SPDX-License-Identifier: BSD-3-Clause
//
// One policy in three forms: a rule file for dishwall, and for nftables its best shape (a concatenated hash
// set for what is open, an interval set for the feed, if there is one) and the shape that people write by
// hand (a rule a port). And the packets that show that each of them means it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/live/traffic.h"

namespace dishwall::bench {

struct PolicySize {
    unsigned rules = 0;  // the feed's among them
    unsigned feed = 0;   // prefixes; 0: there is none
};

// Reads "feed.txt" beside it.
[[nodiscard]] std::string dishwall_rules(const PolicySize& size);
[[nodiscard]] std::string feed_text(const PolicySize& size);

enum class NftShape { sets, linear };
[[nodiscard]] std::string nft_rules(const PolicySize& size, NftShape shape);

// For both: nothing is open. What is in force before each measured load.
[[nodiscard]] std::string empty_dishwall_rules();
[[nodiscard]] std::string empty_nft_rules();

struct Probe {
    std::string_view what;
    dw_traffic traffic;
    bool passes;
};
// To the port of the last rule, to one of none, and, if there is a feed, to the last rule's port from a
// source in it.
[[nodiscard]] std::vector<Probe> probes(const PolicySize& size);

}  // namespace dishwall::bench
