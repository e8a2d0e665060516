// SPDX-License-Identifier: BSD-3-Clause
//
// What became of the packets and how long the loads took: a table on the terminal, JSON, and Markdown for
// bench/README.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bench/machine.h"
#include "bench/reload/session.h"

namespace dishwall::bench {

[[nodiscard]] std::string terminal_table(const ReloadReport& report);
[[nodiscard]] std::string markdown(const ReloadReport& report, const Machine& machine);
[[nodiscard]] nlohmann::json to_json(const ReloadReport& report, const Machine& machine);

}  // namespace dishwall::bench
