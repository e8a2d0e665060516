// SPDX-License-Identifier: BSD-3-Clause
//
// What a number was measured on. Nanoseconds mean nothing without the core, the kernel and the mitigations
// (each helper call pays for them), so every result carries this.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace dishwall::bench {

struct Machine {
    std::string cpu, kernel, clang, nftables, date, commit, load_average;
    bool is_virtual = false;
    int cpus = 0;
    std::map<std::string, std::string>
        mitigations;  // those that cost or are missing; "Not affected" left out
};

[[nodiscard]] Machine look_at_machine();
// As the head of a table: one list item a line.
[[nodiscard]] std::string markdown_lines(const Machine& machine);
// All but the date and the commit, which are the result's.
[[nodiscard]] nlohmann::json to_json(const Machine& machine);

}  // namespace dishwall::bench
