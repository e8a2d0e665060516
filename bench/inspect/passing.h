// SPDX-License-Identifier: BSD-3-Clause
//
// What inspection costs who is not inspected: the rows of `live`, in a gateway whose rule file has a rule
// with `inspect` for another port, beside one where it does not say `inspect`; and beside another such one,
// since two gateways with the same rules do not take the same time either.
#pragma once

#include <string>
#include <vector>

#include "bench/live/row.h"
#include "rules/result.h"

namespace dishwall::bench {

struct PassingOptions {
    unsigned repeats = 9;
    RunLength length{100, 4096, 1u << 20};
    unsigned flows = 131072;      // that are known, of the replies
    std::string daemon, control;  // dishwalld and dishctl
    std::string directory, pins;  // for instances of dishwall
    int cpu = 0;                  // of the packets
};

struct PassingRow {
    std::string id, does;
    std::vector<double> without, with, twin;  // ns a packet, by repeat; the last: without, again
    std::string failure;

    [[nodiscard]] bool held() const { return failure.empty() && !with.empty(); }
    // From the first, within each repeat.
    [[nodiscard]] std::vector<double> differences(const std::vector<double>& other) const;
};

// Runs in the order A B C C B A.
[[nodiscard]] Result<std::vector<PassingRow>> measure_passing(const PassingOptions& options);

}  // namespace dishwall::bench
