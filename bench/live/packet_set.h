// SPDX-License-Identifier: BSD-3-Clause
//
// The traffic of the rows, as packet sets, each with what its packets must come to.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/live/frame_template.h"
#include "bench/live/generator.h"

namespace dishwall::bench {

// How many packets were denied, accepted by a rule, accepted as part of a known flow.
struct Fates {
    std::uint64_t denied = 0, by_rule = 0, in_flow = 0;

    [[nodiscard]] std::uint64_t total() const { return denied + by_rule + in_flow; }
    [[nodiscard]] std::uint64_t accepted() const { return by_rule + in_flow; }
    bool operator==(const Fates&) const = default;
};
[[nodiscard]] Fates operator-(const Fates& a, const Fates& b);

// Packets that were drawn from a policy, and which of them it accepts.
struct ListedPackets {
    Listing listing;
    std::vector<bool> accepted;
};

struct PacketSet {
    dw_traffic traffic = {};
    std::shared_ptr<const ListedPackets> list;  // empty: arithmetic
    bool replies = false;                       // all belong to flows
    bool checksums = true;                      // they can be checked

    [[nodiscard]] const Listing* listing() const { return list ? &list->listing : nullptr; }
    // What packets number cursor..cursor + frames - 1 must come to.
    [[nodiscard]] Fates expected(std::uint64_t cursor, std::uint64_t frames) const;
};

// Which services, and how their packets spread over them.
struct ServicesHit {
    unsigned services = 0;
    unsigned ports_each = 1;
    unsigned unpublished_of_1024 = 0;  // go to hosts that nobody may reach
    bool zipf = false;                 // else uniform
};

// a: unpublished hosts of the LAN, 2^24 of them, random ports, peers from a /64: nothing of it is allowed.
// f, without a service: the same by bare TCP SYN, as a scanner does it. g: behind extension headers, in
// fragments.
[[nodiscard]] PacketSet deny_sweep(bool udp = true, Extensions extensions = Extensions::none);
// b, c, d: UDP to the published services, a new peer with every packet: every accepted packet opens a flow.
[[nodiscard]] PacketSet to_services(const ServicesHit& hit);
// f: SYNs to the one TCP service, each from a new peer.
[[nodiscard]] PacketSet syn_flood();
// e: replies to the flows that `open_flows` made, uniform over them. No rule would accept them.
[[nodiscard]] PacketSet replies(unsigned flows);
// The same replies, each once, in order: the check that all flows are there.
[[nodiscard]] PacketSet replies_in_order(unsigned flows);
// From 256 inside hosts to `flows` peers, each once.
[[nodiscard]] PacketSet open_flows(unsigned flows);
// Packets for a policy that no arithmetic describes.
[[nodiscard]] PacketSet listed(std::vector<dw_listed> packets, std::vector<bool> accepted);

}  // namespace dishwall::bench
