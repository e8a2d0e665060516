// SPDX-License-Identifier: BSD-3-Clause
//
// One row of the table: a station, the packets it gets, the fate they must meet. A measurement is worth
// something only if its gate held: every packet that was offered met its fate, by the subject's own counters,
// came out where it should, and the kernel's IPv6 statistics show no error.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/live/generator.h"
#include "bench/live/packet_set.h"
#include "bench/live/station.h"

namespace dishwall::bench {

// What a row is, before anything exists. The list is in rows.cc.
struct RowPlan {
    std::string id;       // for --rows, JSON, base and floor
    std::string system;   // who decides, as printed, and one line in the plot
    unsigned rules = 0;   // services or rules of its policy; 0: it has none
    std::string does;     // packets and fate, as printed
    std::string station;  // by its name
    PacketSet packets;
    std::string floor;   // id of the bare XDP_DROP row with packets of this kind; empty: kFloor
    std::string base;    // id of the row whose cost is not the subject's own; empty: none but the floor
    unsigned flows = 0;  // so many are opened from inside first
    bool plotted = false;
};

struct Sample {
    double ns = 0;
    std::uint64_t frames = 0;
    long preemptions = 0;
};

// How long a run is: as many frames as take this time, by an estimate made before.
struct RunLength {
    double milliseconds = 250;
    std::uint32_t least = 4096, most = 1u << 20;
};

class Row {
public:
    // Opens the flows and checks that all are there, checks verdicts, and chooses the length of runs.
    // `number`: of the row; packets of different rows have different peers.
    [[nodiscard]] static Result<Row> build(const RowPlan& plan, Station* station,
                                           const NetworkNamespace& world, Generator& generator,
                                           const RunLength& length, unsigned number);

    // Sends a run of frames through the gate. An error says which gate failed, and by how much.
    [[nodiscard]] Result<Sample> measure(const NetworkNamespace& world, Generator& generator);

private:
    Row(const RowPlan& plan, Station* station, unsigned number)
        : plan_(&plan), station_(station), cursor_(std::uint64_t{number} << kCursorShift) {}
    [[nodiscard]] bool opens_flows() const;
    [[nodiscard]] Result<Sample> send(const NetworkNamespace& world, Generator& generator,
                                      std::uint32_t frames);
    [[nodiscard]] Result<void> choose_length(const NetworkNamespace& world, Generator& generator,
                                             const RunLength& length);

    static constexpr unsigned kCursorShift = 30;

    const RowPlan* plan_;
    Station* station_;
    std::uint64_t cursor_;      // runs on, so that a new peer stays new
    std::uint32_t frames_ = 0;  // of a run
};

}  // namespace dishwall::bench
