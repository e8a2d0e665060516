// SPDX-License-Identifier: BSD-3-Clause
//
// Which rows there are, in the order they are printed in, and the stations they need.
#pragma once

#include <string>
#include <vector>

#include "bench/live/row.h"

namespace dishwall::bench {

// How many rules, services, flows the rows are made with. Sorted.
struct RowSizes {
    std::vector<unsigned> services{100, 1000, 10000, 100000, 131072};
    std::vector<unsigned> ranges{1024, 8192, 32768};
    std::vector<unsigned> linear{100, 1000, 10000};
    std::vector<unsigned> flows{1024, 131072, 1048576};  // powers of two
    std::vector<unsigned> shapes{10000, 100000};
};
// Few and small, for the gates.
[[nodiscard]] RowSizes quick_sizes();

struct RowOptions {
    RowSizes sizes;
    std::string daemon, control;    // dishwalld and dishctl
    std::string directory;          // for instances of dishwall: DIRECTORY/<station>
    std::string pins;               // on a bpffs: PINS/<station>
    std::vector<std::string> only;  // ids of rows; empty: all

    [[nodiscard]] bool wants(const std::string& id) const;
};

inline constexpr const char* kFloor = "bare-drop";
inline constexpr const char* kDishwall = "dishwall";

struct Rows {
    std::vector<StationPlan> stations;
    std::vector<RowPlan> rows;
};
[[nodiscard]] Rows all_rows(const RowOptions& options);

}  // namespace dishwall::bench
