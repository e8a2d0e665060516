// SPDX-License-Identifier: BSD-3-Clause
//
// What the detour adds to a packet's way through a gateway: dishwalld and dishwall-inspect as they are
// installed, datagrams from the Internet to a host behind them, one at a time; every other one to a port that
// is inspected. One clock: sender and receiver are this process.
#pragma once

#include <string>
#include <vector>

#include "rules/result.h"

namespace dishwall::bench {

struct LatencyOptions {
    unsigned datagrams = 4000;  // of each kind, at each pace
    std::string daemon, inspector;
    std::string directory, pins;
};

// Of one pace. Microseconds from send() to recv(), in the order of sending.
struct LatencyRow {
    std::string id, does;
    std::vector<double> plain_us, inspected_us;
};
[[nodiscard]] double percentile(std::vector<double> values, double share);

[[nodiscard]] Result<std::vector<LatencyRow>> measure_latency(const LatencyOptions& options);

}  // namespace dishwall::bench
