// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {

namespace {

Packet chain_of(unsigned headers) {
    Packet packet = from_to(kPeer, kNas);
    for (unsigned i = 0; i < headers; ++i) packet = packet / Extension{.kind = 60};
    return packet / Tcp{};
}

Bytes with_trailer(const Packet& packet, std::size_t length) {
    Bytes frame = packet.bytes();
    frame.resize(frame.size() + length, 0xff);
    return frame;
}

}  // namespace

void add_header_vectors(std::vector<Vector>& all) {
    all.push_back({"R7",
                   "extension headers before TCP do not hide it",
                   {in_accept(from_to(kPeer, kNas) / Extension{.kind = 0} / Extension{.kind = 60} / Tcp{},
                              DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kNas) / Extension{.kind = 0} / Extension{.kind = 60, .units = 3} /
                                Tcp{.dport = 22},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back(
        {"R7",
         "a chain of eight is walked, nine are too many",
         {in_accept(chain_of(8), DW_REASON_RULE_ACCEPT), in_drop(chain_of(9), DW_REASON_CHAIN_TOO_LONG)}});
    all.push_back({"N4",
                   "after six extension headers the ports are still judged",
                   {in_drop(from_to(kPeer, kNas) / Extension{} / Extension{} / Extension{} / Extension{} /
                                Extension{} / Extension{} / Extension{} / Tcp{.dport = 22},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"N1",
                   "an extension header or ICMPv6 passes no rule by itself",
                   {in_drop(from_to(kPeer, kLaptop) / Extension{} / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
                    in_drop(from_to(kPeer, "2001:db8:aa00:10::5") / Icmp{}, DW_REASON_DEFAULT_DROP)}});
    for (const std::uint8_t kind : {253, 254})
        all.push_back(
            {"R7",
             "extension header " + std::to_string(kind) + " is nobody's to judge",
             {in_drop(from_to(kPeer, kNas) / Extension{.kind = kind} / Tcp{}, DW_REASON_UNKNOWN_HEADER)}});
    all.push_back({"R7",
                   "an unknown protocol obeys the rules",
                   {in_drop(from_to(kPeer, kNas) / Payload{Bytes(16), 77}, DW_REASON_DEFAULT_DROP)}});
    all.push_back(
        {"R7",
         "a chain that ends in nothing is judged by the rules",
         {in_drop(from_to(kPeer, kNas) / Extension{} / Payload{Bytes(8), 59}, DW_REASON_DEFAULT_DROP)}});
    for (const std::uint8_t type : {0, 2, 3, 4})
        all.push_back(
            {"R8",
             "routing header type " + std::to_string(type) + " is dropped [REC-4]",
             {in_drop(from_to(kPeer, kNas) / Extension{.kind = 43, .units = 2, .type = type} / Tcp{},
                      DW_REASON_ROUTING_HEADER)}});
    all.push_back(
        {"R8",
         "other types than 0 when the uplink allows them, still judged by the rules",
         {Load{world_rules_with("routing-headers allow")},
          in_accept(from_to(kPeer, kNas) / Extension{.kind = 43, .units = 2, .type = 2} / Tcp{},
                    DW_REASON_RULE_ACCEPT),
          in_drop(from_to(kPeer, kNas) / Extension{.kind = 43, .units = 2, .type = 4} / Tcp{.dport = 22},
                  DW_REASON_DEFAULT_DROP),
          in_drop(from_to(kPeer, kNas) / Extension{.kind = 43, .units = 2, .type = 0} / Tcp{},
                  DW_REASON_ROUTING_HEADER)}});
    all.push_back(
        {"R9",
         "IKE and HIP obey flows [REC-26]",
         {out_accept(from_to(kLaptop, kPeer) / Udp{.sport = 4500, .dport = 4500}, DW_REASON_DEFAULT_ACCEPT),
          in_accept(from_to(kPeer, kLaptop) / Udp{.sport = 4500, .dport = 4500}, DW_REASON_FLOW),
          in_drop(from_to(kPeer, kLaptop) / Payload{Bytes(40), 139}, DW_REASON_DEFAULT_DROP),
          out_accept(from_to(kLaptop, kPeer) / Payload{Bytes(40), 139}, DW_REASON_DEFAULT_ACCEPT),
          in_accept(from_to(kPeer, kLaptop) / Payload{Bytes(40), 139}, DW_REASON_FLOW)}});
    all.push_back(
        {"R9",
         "ESP and IKE obey rules and flows [REC-22]",
         {in_accept(from_to(kPeer, kNas) / Payload{Bytes(32), 50}, DW_REASON_RULE_ACCEPT),
          in_drop(from_to(kPeer, kLaptop) / Payload{Bytes(32), 50}, DW_REASON_DEFAULT_DROP),
          out_accept(from_to(kLaptop, kPeer) / Payload{Bytes(32), 50}, DW_REASON_DEFAULT_ACCEPT),
          in_accept(from_to(kPeer, kLaptop) / Payload{Bytes(32), 50}, DW_REASON_FLOW),
          in_drop(from_to(kPeer, kNas) / Udp{.sport = 500, .dport = 500}, DW_REASON_DEFAULT_DROP)}});
    all.push_back(
        {"N5",
         "the length of AH is its own [REC-21]",
         {in_accept(from_to(kPeer, kNas) / Extension{.kind = 51, .units = 4} / Tcp{}, DW_REASON_RULE_ACCEPT),
          in_drop(from_to(kPeer, kNas) / Extension{.kind = 51, .units = 4} / Tcp{.dport = 22},
                  DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R12",
                   "cut anywhere inside its headers, a packet is truncated",
                   {in(chain_of(0).cut(14), DW_REASON_TRUNCATED, DW_DROP),
                    in(chain_of(0).cut(40), DW_REASON_TRUNCATED, DW_DROP),
                    in(chain_of(0).cut(60), DW_REASON_TRUNCATED, DW_DROP),
                    in(chain_of(2).cut(60), DW_REASON_TRUNCATED, DW_DROP)}});
    all.push_back(
        {"R12",
         "a payload length beyond the frame, or inside the headers",
         {in_drop(Ethernet{} / Ipv6{.payload_length = 200} / Tcp{}, DW_REASON_TRUNCATED),
          in_drop(Ethernet{} / Ipv6{.payload_length = 19} / Tcp{}, DW_REASON_TRUNCATED),
          in_drop(Ethernet{} / Ipv6{.payload_length = 4} / Extension{} / Tcp{}, DW_REASON_TRUNCATED)}});
    all.push_back({"R12",
                   "jumbograms are dropped",
                   {in_drop(Ethernet{} / Ipv6{.payload_length = 0} / Tcp{}, DW_REASON_JUMBOGRAM)}});
    all.push_back(
        {"R40",
         "bytes behind the payload are ignored",
         {in(with_trailer(from_to(kPeer, kNas) / Tcp{}, 26), DW_REASON_RULE_ACCEPT, DW_ACCEPT),
          in(with_trailer(from_to(kPeer, kNas) / Tcp{.dport = 22}, 26), DW_REASON_DEFAULT_DROP, DW_DROP)}});
    all.push_back({"R40",
                   "hop-by-hop options anywhere but first",
                   {in_drop(from_to(kPeer, kNas) / Extension{.kind = 60} / Extension{.kind = 0} / Tcp{},
                            DW_REASON_HOP_BY_HOP),
                    in_drop(from_to(kPeer, kNas) / Extension{.kind = 0} / Extension{.kind = 0} / Tcp{},
                            DW_REASON_HOP_BY_HOP)}});
    for (const std::uint8_t flags : {0, kSyn | kFin, kSyn | kRst, 0 + kFin, 0 + kPsh, kFin | kPsh | kUrg})
        all.push_back({"R13",
                       "TCP flags " + std::to_string(flags),
                       {in_drop(from_to(kPeer, kNas) / Tcp{.flags = flags}, DW_REASON_TCP_FLAGS)}});
    all.push_back(
        {"R13",
         "TCP data offset below five or beyond the packet",
         {in_drop(from_to(kPeer, kNas) / Tcp{.offset = 4}, DW_REASON_TCP_OFFSET),
          in_drop(Ethernet{} / Ipv6{.payload_length = 20} / Tcp{.offset = 6}, DW_REASON_TCP_OFFSET)}});
    all.push_back({"R13",
                   "UDP length below eight or beyond the packet, or no checksum",
                   {in_drop(from_to(kPeer, kNas) / Udp{.length = 7}, DW_REASON_UDP_LENGTH),
                    in_drop(from_to(kPeer, kNas) / Udp{.length = 9}, DW_REASON_UDP_LENGTH),
                    in_drop(from_to(kPeer, kNas) / Udp{.checksum = 0}, DW_REASON_UDP_CHECKSUM)}});
    all.push_back({"R13",
                   "UDP without a checksum when the uplink allows it",
                   {Load{world_rules_with("udp-without-checksum allow")},
                    in_accept(from_to(kPeer, kNas) / Udp{.checksum = 0}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"R14",
                   "VLAN tags and other ethertypes",
                   {in_drop(Ethernet{} / Vlan{} / Ipv6{} / Tcp{}, DW_REASON_VLAN),
                    in_drop(Ethernet{} / Vlan{.tpid = 0x88a8} / Vlan{} / Ipv6{} / Tcp{}, DW_REASON_VLAN),
                    in_drop(Ethernet{.type = 0x88cc} / Payload{Bytes(40)}, DW_REASON_ETHERTYPE),
                    in_drop(Ethernet{.type = 100} / Payload{Bytes(100)}, DW_REASON_ETHERTYPE),
                    in_accept(Ethernet{} / Arp{}, DW_REASON_ARP)}});
    all.push_back(
        {"R14",
         "the uplink's own tag, and no other, when it is configured",
         {Load{world_rules_with("vlan 7")},
          in_accept(Ethernet{} / Vlan{.id = 7} / Ipv6{} / Tcp{}, DW_REASON_RULE_ACCEPT),
          in_drop(Ethernet{} / Vlan{.id = 7} / Ipv6{} / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
          in_drop(Ethernet{} / Vlan{.id = 8} / Ipv6{} / Tcp{}, DW_REASON_VLAN),
          in_drop(Ethernet{} / Vlan{.tpid = 0x88a8} / Vlan{.id = 7} / Ipv6{} / Tcp{}, DW_REASON_VLAN),
          in_drop(Ethernet{} / Ipv6{} / Tcp{}, DW_REASON_VLAN)}});
    all.push_back({"R14",
                   "other ethertypes when the uplink allows them",
                   {Load{world_rules_with("other-ethertypes allow")},
                    in_accept(Ethernet{.type = 0x88cc} / Payload{Bytes(40)}, DW_REASON_ETHERTYPE_PASS),
                    in_drop(Ethernet{} / Vlan{} / Ipv6{} / Tcp{}, DW_REASON_VLAN)}});
    for (const std::uint16_t type : {100, 0x8864, 0x8847, 0x9100})
        all.push_back({"R40",
                       "encapsulation " + std::to_string(type) + " opens nothing",
                       {in_drop(Ethernet{.type = type} / Payload{from_to(kPeer, kNas).quoted()},
                                DW_REASON_ETHERTYPE)}});
    all.push_back({"R14",
                   "ethertype and version disagree",
                   {in_drop(Ethernet{} / Ipv6{.version = 4} / Tcp{}, DW_REASON_IP_VERSION)}});
    all.push_back({"R15",
                   "6in4 and GRE are three-tuple flows, never looked into",
                   {in_drop(from_to(kPeer, kNas) / Ipv6{} / Tcp{}, DW_REASON_DEFAULT_DROP),
                    out_accept(from_to(kNas, kPeer) / Payload{Bytes(40), 47}, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kNas) / Payload{Bytes(40), 47}, DW_REASON_FLOW)}});
}

}  // namespace dishwall::test
