// SPDX-License-Identifier: BSD-3-Clause
//
// A site with its subject in place: what several rows with the same policy have in common. Rows that need
// known flows have stations of their own, so that no other row's packets push them out.
#pragma once

#include <memory>
#include <string>

#include "bench/live/generator.h"
#include "bench/live/packet_set.h"
#include "bench/live/site.h"
#include "bench/live/subject.h"

namespace dishwall::bench {

struct StationPlan {
    std::string name;
    SubjectPtr subject;
    End end = End::ingress;  // of accepted packets
};

// A run of packets through a gateway, and what must become of them.
struct Passage {
    const PacketSet* packets;
    std::uint64_t cursor;
    std::uint32_t frames;
};

class Station {
public:
    [[nodiscard]] static Result<Station> build(StationPlan plan, const NetworkNamespace& world,
                                               unsigned number);

    // Sends them from the Internet, through the gate.
    [[nodiscard]] Result<Offered> pass(const NetworkNamespace& world, Generator& generator,
                                       const Passage& passage);
    // Opens so many flows from inside, as a gateway's own hosts do, and checks one answer to each.
    [[nodiscard]] Result<void> open(const NetworkNamespace& world, Generator& generator, unsigned flows);
    [[nodiscard]] std::optional<WorstSearch> worst() const { return plan_.subject->worst(); }
    // A new flow a packet would otherwise fill what the subject has for them.
    [[nodiscard]] Result<void> forget() { return plan_.subject->forget(site_); }

private:
    // All counters that the gate compares.
    struct Reading {
        Fates fates;
        std::uint64_t ended_at_ingress = 0, reached_lan = 0, ip_errors = 0;
    };

    Station(StationPlan plan, Site site) : plan_(std::move(plan)), site_(std::move(site)) {}
    [[nodiscard]] Result<Reading> read() const;
    [[nodiscard]] Result<void> compare(const Reading& before, const Reading& after,
                                       const Fates& expected) const;

    StationPlan plan_;
    Site site_;
};

}  // namespace dishwall::bench
