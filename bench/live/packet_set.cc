// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/packet_set.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <cstring>
#include <span>

#include "bench/published.h"

namespace dishwall::bench {
namespace {

constexpr std::uint64_t kAll = ~0ull;

struct Ip6Header {
    std::uint8_t version_class_flow[4] = {0x60, 0, 0, 0};
    std::uint16_t payload_length = 0;
    std::uint8_t next_header = 0;
    std::uint8_t hop_limit = 64;
    std::uint64_t source_be[2] = {}, destination_be[2] = {};
};

union Layer4 {
    udphdr udp;
    tcphdr tcp;
    std::uint8_t bytes[20];
};

#pragma pack(push, 1)
struct Frame {
    Mac destination_mac, source_mac;
    std::uint16_t ethertype;
    Ip6Header ip;
    Layer4 l4;
};
#pragma pack(pop)
static_assert(sizeof(Frame) == DW_FRAME_LENGTH);
static_assert(offsetof(Frame, ip.source_be) + 8 == DW_AT_SOURCE_LOW);
static_assert(offsetof(Frame, ip.destination_be) + 8 == DW_AT_DESTINATION_LOW);
static_assert(offsetof(Frame, l4) == DW_AT_PORTS);
static_assert(offsetof(Frame, l4) + offsetof(udphdr, uh_sum) == DW_AT_UDP_CHECKSUM);
static_assert(offsetof(Frame, l4) + offsetof(tcphdr, th_sum) == DW_AT_TCP_CHECKSUM);

// In memory order, as the BPF program adds the varying fields; RFC 1071 makes that the same sum.
std::uint32_t ones_complement_sum(std::span<const std::uint8_t> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        std::uint16_t word;
        std::memcpy(&word, bytes.data() + at, 2);
        sum += word;
    }
    return sum;
}

// Pseudo header (RFC 8200 8.1) and layer 4 of the template, whose varying fields are zero.
std::uint32_t base_sum(const Frame& frame) {
    std::uint32_t sum = ones_complement_sum({reinterpret_cast<const std::uint8_t*>(frame.ip.source_be), 32});
    sum += htons(sizeof(Layer4));
    sum += htons(frame.ip.next_header);
    return sum + ones_complement_sum(frame.l4.bytes);
}

Layer4 layer4(bool udp) {
    Layer4 l4 = {};
    if (udp) {
        l4.udp.uh_ulen = htons(sizeof(Layer4));
    } else {
        l4.tcp.th_off = 5;
        l4.tcp.th_flags = TH_SYN;
        l4.tcp.th_win = htons(64240);
    }
    return l4;
}

Frame template_frame(bool udp, const Hop& hop) {
    Frame frame = {};
    frame.destination_mac = hop.receiver;
    frame.source_mac = hop.sender;
    frame.ethertype = htons(ETH_P_IPV6);
    frame.ip.payload_length = htons(sizeof(Layer4));
    frame.ip.next_header = udp ? IPPROTO_UDP : IPPROTO_TCP;
    frame.ip.source_be[0] = htobe64(hop.source_network);
    frame.ip.destination_be[0] = htobe64(hop.destination_network);
    frame.l4 = layer4(udp);
    return frame;
}

constexpr Hop kFromOutside = {kIspMac, kUplinkMac, kInternet, kLan};
constexpr Hop kFromInside = {kHostsMac, kLanMac, kLan, kInternet};

dw_traffic traffic_of(bool udp, const Hop& hop) {
    const Frame frame = template_frame(udp, hop);
    dw_traffic set = {};
    std::memcpy(set.frame, &frame, sizeof(set.frame));
    std::memcpy(&set.frame_tail, reinterpret_cast<const std::uint8_t*>(&frame) + sizeof(set.frame),
                sizeof(set.frame_tail));
    set.udp = udp;
    set.base_sum = base_sum(frame);
    set.number_mask = kAll;
    return set;
}

dw_traffic sweep(bool udp) {
    dw_traffic set = traffic_of(udp, kFromOutside);
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
dw_traffic flow_traffic(bool outbound) {
    dw_traffic set = traffic_of(true, outbound ? kFromInside : kFromOutside);
    set.outbound = outbound;
    set.number_mask = kFlows - 1;
    set.inside_base = kInsideHosts;
    set.inside_mask = 255;
    set.inside_port_base = 32768;
    set.inside_port_mask = 0x3fff;
    set.peer_base = 0x2000000000000;
    set.peer_mask = kFlows - 1;
    set.peer_port_base = 1024;
    set.peer_port_mask = 0x7fff;
    return set;
}

}  // namespace

dw_traffic inbound_traffic(bool udp, const Hop& hop) { return traffic_of(udp, hop); }

dw_traffic deny_sweep() { return sweep(true); }
dw_traffic deny_sweep_syn() { return sweep(false); }

dw_traffic accept_by_rule(unsigned services) {
    dw_traffic set = sweep(true);
    set.random = 0;  // distinct numbers are distinct peers: no packet finds the flow of another
    set.inside_base = kServiceHosts;
    set.inside_mask = services - 1;
    set.inside_port_base = kFirstServicePort;
    set.inside_port_mask = 0;
    set.inside_port_follows = kServicePortMask;
    set.peer_base = 0x3000000000000;
    return set;
}

dw_traffic replies() {
    dw_traffic set = flow_traffic(false);
    set.random = 1;
    return set;
}

dw_traffic replies_in_order() { return flow_traffic(false); }
dw_traffic open_flows() { return flow_traffic(true); }

bool checksum_is_right(std::span<const std::uint8_t, DW_FRAME_LENGTH> frame) {
    Frame whole;
    std::memcpy(&whole, frame.data(), sizeof(whole));
    std::uint32_t sum = base_sum(whole);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

}  // namespace dishwall::bench
