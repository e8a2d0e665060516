// SPDX-License-Identifier: BSD-3-Clause
//
// Which rows there are, in the order they are printed in.
#pragma once

#include <string>
#include <vector>

#include "bench/live/row.h"

namespace dishwall::bench {

struct RowOptions {
    unsigned services = 16;       // published services; a power of two
    std::string daemon, control;  // dishwalld and dishctl
    std::string directory;        // for instances of dishwall: DIRECTORY/<row>
    std::string pins;             // on a bpffs: PINS/<row>
};

inline constexpr const char* kFloor = "bare-drop";

[[nodiscard]] std::vector<RowPlan> all_rows(const RowOptions& options);

}  // namespace dishwall::bench
