// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/packet_set.h"

#include <bit>

#include "bench/published.h"

namespace dishwall::bench {
namespace {

constexpr Hop kFromOutside = {kIspMac, kUplinkMac, kInternet, kLan};
constexpr Hop kFromInside = {kHostsMac, kLanMac, kLan, kInternet};
constexpr std::uint64_t kNewPeers = (1ull << 40) - 1;       // enough for a session
constexpr Hop kFromAnywhere = {kIspMac, kUplinkMac, 0, 0};  // networks stand in the list

dw_traffic sweep(bool udp, Extensions extensions) {
    dw_traffic set = inbound_traffic(udp, kFromOutside, extensions);
    set.random = 1;
    set.inside_base = kUnpublishedHosts;
    set.inside_mask = (1u << 24) - 1;
    set.inside_port_base = 1024;
    set.inside_port_mask = 0x7fff;
    set.peer_base = 0x1000000000000;
    set.peer_mask = 0xffffffff;
    set.peer_port_base = 1024;
    set.peer_port_mask = 0x7fff;
    return set;
}

// Flow number n: host by a hash of n, peer by n, ports by a hash of n.
PacketSet flow_packets(unsigned flows, bool outbound) {
    PacketSet packets;
    packets.replies = true;
    dw_traffic& set = packets.traffic = inbound_traffic(true, outbound ? kFromInside : kFromOutside);
    set.outbound = outbound;
    set.number_mask = flows - 1;
    set.inside_base = kInsideHosts;
    set.inside_mask = 255;
    set.inside_port_base = 32768;
    set.inside_port_mask = 0x3fff;
    set.peer_base = 0x2000000000000;
    set.peer_mask = flows - 1;
    set.peer_port_base = 1024;
    set.peer_port_mask = 0x7fff;
    return packets;
}

}  // namespace

Fates operator-(const Fates& a, const Fates& b) {
    return {a.denied - b.denied, a.by_rule - b.by_rule, a.in_flow - b.in_flow};
}

Fates PacketSet::expected(std::uint64_t cursor, std::uint64_t frames) const {
    Fates fates;
    if (replies) {
        fates.in_flow = frames;
        return fates;
    }
    for (std::uint64_t n = cursor; n < cursor + frames; ++n) {
        const bool accepted =
            list ? list->accepted[n % DW_LISTED] : dw_varying_of(&traffic, n).published != 0;
        ++(accepted ? fates.by_rule : fates.denied);
    }
    return fates;
}

PacketSet deny_sweep(bool udp, Extensions extensions) {
    PacketSet packets;
    packets.traffic = sweep(udp, extensions);
    packets.checksums = extensions == Extensions::none || extensions == Extensions::three_headers;
    return packets;
}

PacketSet to_services(const ServicesHit& hit) {
    PacketSet packets = deny_sweep();
    dw_traffic& set = packets.traffic;
    set.random = 0;  // distinct numbers are distinct peers: no packet finds the flow of another
    set.peer_base = 0x3000000000000;
    set.peer_mask = kNewPeers;
    set.first_service = 1;
    set.services = hit.services - 1;
    set.unpublished = hit.unpublished_of_1024;
    set.octaves = hit.zipf ? std::bit_width(set.services) : 0;
    set.service_host_base = kServiceHosts;
    set.service_port_base = kFirstServicePort;
    set.service_port_mask = static_cast<std::uint16_t>(hit.ports_each - 1);
    set.service_number_in_port = kServiceNumberInPort;
    set.service_port_shift = kServicePortShift;
    return packets;
}

PacketSet syn_flood() {
    PacketSet packets;
    dw_traffic& set = packets.traffic = sweep(false, Extensions::none);
    set.random = 0;
    set.peer_base = 0x4000000000000;
    set.peer_mask = kNewPeers;
    set.services = 1;  // number 0, on the first host
    set.service_host_base = kServiceHosts;
    set.service_port_base = kTcpServicePort;
    return packets;
}

PacketSet replies(unsigned flows) {
    PacketSet packets = flow_packets(flows, false);
    packets.traffic.random = 1;
    return packets;
}

PacketSet replies_in_order(unsigned flows) { return flow_packets(flows, false); }
PacketSet open_flows(unsigned flows) { return flow_packets(flows, true); }

PacketSet listed(std::vector<dw_listed> packets, std::vector<bool> accepted) {
    PacketSet set;
    set.traffic = inbound_traffic(true, kFromAnywhere);
    set.list = std::make_shared<ListedPackets>(
        ListedPackets{{std::move(packets), inbound_traffic(false, kFromAnywhere)}, std::move(accepted)});
    return set;
}

}  // namespace dishwall::bench
