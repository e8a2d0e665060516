// SPDX-License-Identifier: BSD-3-Clause
//
// One row of the table: a site, what stands in it, the packets it gets, the fate they must meet. A
// measurement is worth something only if its gate held: every packet that was offered met that fate, by the
// subject's own counter, came out where it should, and the kernel's IPv6 statistics show no error.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/live/generator.h"
#include "bench/live/packet_set.h"
#include "bench/live/subject.h"

namespace dishwall::bench {

// What a row is, before anything exists. The list is in rows.cc.
struct RowPlan {
    std::string id;    // for --rows, JSON and base
    std::string what;  // who decides, as printed
    std::string does;  // packets and fate, as printed
    std::string base;  // id of the row whose cost is not the subject's own; empty: the bare XDP_DROP
    std::unique_ptr<Subject> subject;
    dw_traffic packets;
    Fate fate = Fate::denied;
    End end = End::nowhere;
    bool needs_flows = false;      // kFlows flows are opened from inside first
    bool a_flow_a_packet = false;  // limits the length of a run, and starts each from an empty table
};

struct Sample {
    double ns = 0;
    std::uint64_t frames = 0;
    long preemptions = 0;
};

class Row {
public:
    // Builds the site, arms the subject, opens the flows and checks that all are there.
    [[nodiscard]] static Result<Row> build(RowPlan plan, const NetworkNamespace& world, unsigned number,
                                           Generator& generator);

    // Sends `frames` frames through the gate. An error says which gate failed, and by how much.
    [[nodiscard]] Result<Sample> measure(const NetworkNamespace& world, Generator& generator,
                                         std::uint32_t frames);

    [[nodiscard]] const RowPlan& plan() const { return plan_; }

private:
    // All counters that the gate compares.
    struct Reading {
        std::uint64_t fate = 0, ended_at_ingress = 0, reached_lan = 0, ip_errors = 0;
    };

    Row(RowPlan plan, Site site) : plan_(std::move(plan)), site_(std::move(site)) {}
    [[nodiscard]] Result<Reading> read(Fate fate, End end) const;
    [[nodiscard]] Result<Sample> send(const NetworkNamespace& world, Generator& generator,
                                      const dw_traffic& packets, std::uint64_t cursor, std::uint32_t frames);
    [[nodiscard]] Result<void> open_and_check_flows(const NetworkNamespace& world, Generator& generator);

    RowPlan plan_;
    Site site_;
    std::uint64_t cursor_ = 0;  // runs on, so that a new peer stays new
};

}  // namespace dishwall::bench
