// SPDX-License-Identifier: BSD-3-Clause
//
// How long openings took, policy by policy, and its three forms: a table on the terminal, JSON, and Markdown
// for bench/README.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "bench/renumber/gateway.h"

namespace dishwall::bench {

struct PolicyTimes {
    unsigned rules = 0;
    std::uint64_t image_bytes = 0;
    std::vector<Opening> openings;
};

struct RenumberReport {
    Machine machine;
    unsigned rounds = 0;
    bool quick = false;
    std::vector<PolicyTimes> policies;
};

[[nodiscard]] std::string terminal_table(const RenumberReport& report);
[[nodiscard]] std::string markdown(const RenumberReport& report);
[[nodiscard]] nlohmann::json to_json(const RenumberReport& report);

}  // namespace dishwall::bench
