// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/vectors.h"

namespace dishwall::test {
namespace {

constexpr const char* kPeer = "2001:db8:1::1";
constexpr const char* kNas = "2001:db8:aa00:1::10";
constexpr const char* kOldNas = "2001:db8:bb00:1::10";
constexpr const char* kGoneNas = "2001:db8:cc00:1::10";
constexpr const char* kLaptop = "2001:db8:aa00:1::77";
constexpr const char* kBox = "2001:db8:0:1::2";
constexpr const char* kBoxLinkLocal = "fe80::1";
constexpr const char* kRouter = "fe80::face";

Packet from_to(const char* src, const char* dst, std::uint8_t hop_limit = 64) {
    return Ethernet{} / Ipv6{.src = src, .dst = dst, .hop_limit = hop_limit};
}

Step in(const Bytes& frame, dw_reason reason, dw_verdict verdict) {
    return {Direction::inbound, frame, verdict, reason};
}
Step in_drop(const Packet& packet, dw_reason reason) { return in(packet.bytes(), reason, DW_DROP); }
Step in_accept(const Packet& packet, dw_reason reason) { return in(packet.bytes(), reason, DW_ACCEPT); }
Step out_drop(const Packet& packet, dw_reason reason) {
    return {Direction::outbound, packet.bytes(), DW_DROP, reason};
}
Step out_accept(const Packet& packet, dw_reason reason) {
    return {Direction::outbound, packet.bytes(), DW_ACCEPT, reason};
}

Packet chain_of(unsigned headers) {
    Packet packet = from_to(kPeer, kNas);
    for (unsigned i = 0; i < headers; ++i) packet = packet / Extension{.kind = 60};
    return packet / Tcp{};
}

Packet error(std::uint8_t type, std::uint8_t code, const char* src, const char* dst, const Packet& quoted) {
    return from_to(src, dst) / Icmp{.type = type, .code = code, .id = 0, .seq = 1280} /
           Payload{quoted.quoted()};
}

const Tcp kSynAckToClient{.sport = 443, .dport = 40000, .flags = kSyn | kAck};
const Tcp kAckOfClient{.sport = 40000, .dport = 443, .flags = kAck};
const Tcp kDataToClient{.sport = 443, .dport = 40000, .flags = kAck | kPsh};

void addresses(std::vector<Vector>& all) {
    all.push_back({"R1", "a multicast source is dropped",
                   {in_drop(from_to("ff02::1", kNas) / Tcp{}, DW_REASON_SOURCE_MULTICAST)}});
    all.push_back({"R1", "multicast from inside with a multicast source is dropped",
                   {out_drop(from_to("ff0e::1", kPeer) / Udp{}, DW_REASON_SOURCE_MULTICAST)}});
    all.push_back({"R1", "global and organisation-wide multicast is not forwarded",
                   {in_drop(from_to(kPeer, "ff0e::1") / Udp{}, DW_REASON_MULTICAST),
                    in_drop(from_to(kPeer, "ff08::1") / Udp{}, DW_REASON_MULTICAST),
                    out_drop(from_to(kNas, "ff05::2") / Udp{}, DW_REASON_MULTICAST)}});
    all.push_back({"R1", "link multicast that is no link control stays out",
                   {in_drop(from_to(kRouter, "ff02::fb") / Udp{.sport = 5353, .dport = 5353},
                            DW_REASON_MULTICAST)}});
    for (const char* bogon : {"::", "::1", "::ffff:c633:6401", "::c633:6401", "2001:10::1", "fec0::1",
                              "64:ff9b:1::1", "100::1", "5f00::1", "2001:1::4", "2001:2::1", "2001::1"})
        all.push_back({"R2", std::string("forbidden source ") + bogon,
                       {in_drop(from_to(bogon, kNas) / Tcp{}, DW_REASON_SOURCE_BOGON)}});
    for (const char* fine : {"2001:1::1", "2001:3::1", "2001:4:112::1", "2001:20::1", "64:ff9b::1", "2600::1"})
        all.push_back({"R2", std::string("global source ") + fine,
                       {in_accept(from_to(fine, kNas) / Tcp{}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"R2", "forbidden destinations, both ways",
                   {in_drop(from_to(kPeer, "5f00::1") / Tcp{}, DW_REASON_DESTINATION_BOGON),
                    out_drop(from_to(kNas, "100::1") / Tcp{}, DW_REASON_DESTINATION_BOGON)}});
    all.push_back({"R3", "nothing leaves with a source that is not ours",
                   {out_drop(from_to("2001:db8:dd00::1", kPeer) / Tcp{}, DW_REASON_SOURCE_NOT_OURS),
                    out_drop(from_to("2001:db8:0:1::99", kPeer) / Tcp{}, DW_REASON_SOURCE_NOT_OURS),
                    out_accept(from_to(kLaptop, kPeer) / Tcp{}, DW_REASON_DEFAULT_ACCEPT),
                    out_accept(from_to(kBox, kPeer) / Tcp{}, DW_REASON_DEFAULT_ACCEPT)}});
    all.push_back({"R4", "nobody outside has one of our addresses",
                   {in_drop(from_to(kLaptop, kNas) / Tcp{}, DW_REASON_SOURCE_OWN),
                    in_drop(from_to("2001:db8:bb00:9::1", kNas) / Tcp{}, DW_REASON_SOURCE_OWN),
                    in_drop(from_to(kBox, kNas) / Tcp{}, DW_REASON_SOURCE_OWN)}});
    all.push_back({"R4", "ULA and link-local never cross",
                   {in_drop(from_to("fd00::1", kNas) / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    in_drop(from_to(kRouter, kNas) / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    in_drop(from_to(kPeer, "fe80::77") / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    in_drop(from_to(kPeer, "fd00::7") / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    out_drop(from_to("fd00::7", kPeer) / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    out_drop(from_to(kBoxLinkLocal, kPeer) / Udp{}, DW_REASON_LINK_LOCAL_CROSSING)}});
    all.push_back({"R4", "source equal to destination is dropped",
                   {in_drop(from_to(kNas, kNas) / Tcp{}, DW_REASON_SOURCE_IS_DESTINATION)}});
    all.push_back({"R5", "inside the delegation but in no assigned network",
                   {in_drop(from_to(kPeer, "2001:db8:aa00:2::10") / Tcp{}, DW_REASON_UNASSIGNED),
                    in_drop(from_to(kPeer, "2001:db8:aa00:ff::1") / Tcp{}, DW_REASON_UNASSIGNED),
                    out_drop(from_to(kNas, "2001:db8:aa00:2::10") / Tcp{}, DW_REASON_UNASSIGNED)}});
    all.push_back({"R6", "neighbours on the dish segment are not behind us",
                   {in_drop(from_to(kPeer, "2001:db8:0:1::99") / Tcp{}, DW_REASON_NOT_OURS),
                    in_drop(from_to("2001:db8:0:1::99", kLaptop) / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
                    in_accept(from_to("2001:db8:0:1::99", kNas) / Tcp{}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"N8", "the suffix alone does not open somebody else's prefix",
                   {in_drop(from_to(kPeer, "2001:db8:9900:1::10") / Tcp{}, DW_REASON_NOT_OURS)}});
}

void headers(std::vector<Vector>& all) {
    all.push_back({"R7", "extension headers before TCP do not hide it",
                   {in_accept(from_to(kPeer, kNas) / Extension{.kind = 0} / Extension{.kind = 60} / Tcp{},
                              DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kNas) / Extension{.kind = 0} / Extension{.kind = 60, .units = 3} /
                                Tcp{.dport = 22},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R7", "a chain of eight is walked, nine are too many",
                   {in_accept(chain_of(8), DW_REASON_RULE_ACCEPT),
                    in_drop(chain_of(9), DW_REASON_CHAIN_TOO_LONG)}});
    all.push_back({"N4", "after six extension headers the ports are still judged",
                   {in_drop(from_to(kPeer, kNas) / Extension{} / Extension{} / Extension{} / Extension{} /
                                Extension{} / Extension{} / Extension{} / Tcp{.dport = 22},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"N1", "an extension header or ICMPv6 passes no rule by itself",
                   {in_drop(from_to(kPeer, kLaptop) / Extension{} / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
                    in_drop(from_to(kPeer, "2001:db8:aa00:10::5") / Icmp{}, DW_REASON_DEFAULT_DROP)}});
    for (const std::uint8_t kind : {135, 140, 253, 254})
        all.push_back({"R7", "extension header " + std::to_string(kind) + " is nobody's to judge",
                       {in_drop(from_to(kPeer, kNas) / Extension{.kind = kind} / Tcp{}, DW_REASON_UNKNOWN_HEADER)}});
    all.push_back({"R7", "an unknown protocol obeys the rules",
                   {in_drop(from_to(kPeer, kNas) / Payload{Bytes(16), 77}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R7", "a chain that ends in nothing is judged by the rules",
                   {in_drop(from_to(kPeer, kNas) / Extension{} / Payload{Bytes(8), 59}, DW_REASON_DEFAULT_DROP)}});
    for (const std::uint8_t type : {0, 2, 3, 4})
        all.push_back({"R8", "routing header type " + std::to_string(type),
                       {in_drop(from_to(kPeer, kNas) / Extension{.kind = 43, .units = 2, .type = type} / Tcp{},
                                DW_REASON_ROUTING_HEADER)}});
    all.push_back({"R9", "ESP and IKE obey rules and flows",
                   {in_accept(from_to(kPeer, kNas) / Payload{Bytes(32), 50}, DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kLaptop) / Payload{Bytes(32), 50}, DW_REASON_DEFAULT_DROP),
                    out_accept(from_to(kLaptop, kPeer) / Payload{Bytes(32), 50}, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kLaptop) / Payload{Bytes(32), 50}, DW_REASON_FLOW),
                    in_drop(from_to(kPeer, kNas) / Udp{.sport = 500, .dport = 500}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"N5", "the length of AH is its own",
                   {in_accept(from_to(kPeer, kNas) / Extension{.kind = 51, .units = 4} / Tcp{},
                              DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kNas) / Extension{.kind = 51, .units = 4} / Tcp{.dport = 22},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R12", "cut anywhere inside its headers, a packet is truncated",
                   {in(chain_of(0).cut(14), DW_REASON_TRUNCATED, DW_DROP),
                    in(chain_of(0).cut(40), DW_REASON_TRUNCATED, DW_DROP),
                    in(chain_of(0).cut(60), DW_REASON_TRUNCATED, DW_DROP),
                    in(chain_of(2).cut(60), DW_REASON_TRUNCATED, DW_DROP)}});
    all.push_back({"R12", "a payload length beyond the frame, or inside the headers",
                   {in_drop(Ethernet{} / Ipv6{.payload_length = 200} / Tcp{}, DW_REASON_TRUNCATED),
                    in_drop(Ethernet{} / Ipv6{.payload_length = 19} / Tcp{}, DW_REASON_TRUNCATED),
                    in_drop(Ethernet{} / Ipv6{.payload_length = 4} / Extension{} / Tcp{},
                            DW_REASON_TRUNCATED)}});
    all.push_back({"R12", "jumbograms are dropped",
                   {in_drop(Ethernet{} / Ipv6{.payload_length = 0} / Tcp{}, DW_REASON_JUMBOGRAM)}});
    all.push_back({"R40", "bytes behind the payload are ignored",
                   {in_accept(Ethernet{} / Ipv6{.payload_length = 20} / Tcp{} / Payload{Bytes(26, 0xff)},
                              DW_REASON_RULE_ACCEPT)}});
    all.push_back({"R40", "hop-by-hop options anywhere but first",
                   {in_drop(from_to(kPeer, kNas) / Extension{.kind = 60} / Extension{.kind = 0} / Tcp{},
                            DW_REASON_HOP_BY_HOP),
                    in_drop(from_to(kPeer, kNas) / Extension{.kind = 0} / Extension{.kind = 0} / Tcp{},
                            DW_REASON_HOP_BY_HOP)}});
    for (const std::uint8_t flags : {0, kSyn | kFin, kSyn | kRst, 0 + kFin, 0 + kPsh, kFin | kPsh | kUrg})
        all.push_back({"R13", "TCP flags " + std::to_string(flags),
                       {in_drop(from_to(kPeer, kNas) / Tcp{.flags = flags}, DW_REASON_TCP_FLAGS)}});
    all.push_back({"R13", "TCP data offset below five or beyond the packet",
                   {in_drop(from_to(kPeer, kNas) / Tcp{.offset = 4}, DW_REASON_TCP_OFFSET),
                    in_drop(Ethernet{} / Ipv6{.payload_length = 20} / Tcp{.offset = 6}, DW_REASON_TCP_OFFSET)}});
    all.push_back({"R13", "UDP length below eight or beyond the packet, or no checksum",
                   {in_drop(from_to(kPeer, kNas) / Udp{.length = 7}, DW_REASON_UDP_LENGTH),
                    in_drop(from_to(kPeer, kNas) / Udp{.length = 9}, DW_REASON_UDP_LENGTH),
                    in_drop(from_to(kPeer, kNas) / Udp{.checksum = 0}, DW_REASON_UDP_CHECKSUM)}});
    all.push_back({"R14", "VLAN tags and other ethertypes",
                   {in_drop(Ethernet{} / Vlan{} / Ipv6{} / Tcp{}, DW_REASON_VLAN),
                    in_drop(Ethernet{} / Vlan{.tpid = 0x88a8} / Vlan{} / Ipv6{} / Tcp{}, DW_REASON_VLAN),
                    in_drop(Ethernet{.type = 0x88cc} / Payload{Bytes(40)}, DW_REASON_ETHERTYPE),
                    in_drop(Ethernet{.type = 100} / Payload{Bytes(100)}, DW_REASON_ETHERTYPE),
                    in_accept(Ethernet{} / Arp{}, DW_REASON_ARP)}});
    all.push_back({"R14", "ethertype and version disagree",
                   {in_drop(Ethernet{} / Ipv6{.version = 4} / Tcp{}, DW_REASON_IP_VERSION)}});
    all.push_back({"R15", "6in4 and GRE are three-tuple flows, never looked into",
                   {in_drop(from_to(kPeer, kNas) / Ipv6{} / Tcp{}, DW_REASON_DEFAULT_DROP),
                    out_accept(from_to(kNas, kPeer) / Payload{Bytes(40), 47}, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kNas) / Payload{Bytes(40), 47}, DW_REASON_FLOW)}});
}

void fragments(std::vector<Vector>& all) {
    all.push_back({"R10", "a first fragment with the whole chain is judged by its ports",
                   {in_accept(from_to(kPeer, kNas) / Fragment{.more = true} / Tcp{} / Payload{Bytes(40)},
                              DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kNas) / Fragment{.more = true} / Tcp{.dport = 22} / Payload{Bytes(40)},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R10", "a first fragment without the whole chain is dropped",
                   {in_drop(Ethernet{} / Ipv6{.payload_length = 16} / Fragment{.more = true} / Tcp{},
                            DW_REASON_FRAGMENT_CHAIN),
                    in_drop(Ethernet{} / Ipv6{.payload_length = 8} / Fragment{.more = true} / Extension{} / Tcp{},
                            DW_REASON_FRAGMENT_CHAIN)}});
    all.push_back({"N2", "the fragment header is eight bytes whatever its reserved byte says",
                   {in_drop(from_to(kPeer, kNas) / Fragment{.reserved = 2} / Tcp{.dport = 22},
                            DW_REASON_DEFAULT_DROP),
                    in_accept(from_to(kPeer, kNas) / Fragment{.reserved = 2} / Tcp{}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"N3", "the payload of a later fragment is not read as ports",
                   {in_drop(from_to(kPeer, kNas) / Fragment{.offset = 3} / Tcp{}, DW_REASON_FRAGMENT_STRAY)}});
    all.push_back({"N6", "later fragments do not pass on purpose",
                   {in_drop(from_to(kPeer, kLaptop) / Fragment{.offset = 185, .next = 17} / Payload{Bytes(64)},
                            DW_REASON_FRAGMENT_STRAY)}});
    all.push_back({"R11", "an atomic fragment is handled alone",
                   {in_accept(from_to(kPeer, kNas) / Fragment{} / Tcp{}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"R11", "neighbour discovery in fragments is dropped",
                   {in_drop(from_to(kRouter, kBoxLinkLocal, 255) / Fragment{.more = true} / Icmp{.type = 135} /
                                Payload{Bytes(24)},
                            DW_REASON_ND_INVALID)}});
    all.push_back({"R11", "a fragment inside a fragment is malformed",
                   {in_drop(from_to(kPeer, kNas) / Fragment{.more = true} / Fragment{.more = true} / Tcp{},
                            DW_REASON_FRAGMENT_BAD)}});
    all.push_back({"R10", "later fragments of our own datagrams leave",
                   {out_accept(from_to(kNas, kPeer) / Fragment{.offset = 10, .next = 17} / Payload{Bytes(8)},
                               DW_REASON_FRAGMENT_OUT)}});
}

void icmp(std::vector<Vector>& all) {
    const Packet request = from_to(kLaptop, kPeer) / Tcp{.sport = 50000, .dport = 80};
    const Packet stranger = from_to(kLaptop, kPeer) / Tcp{.sport = 50001, .dport = 80};
    for (const std::uint8_t type : {1, 2, 3, 4})
        all.push_back({"R16", "error type " + std::to_string(type) + " passes only for a flow it quotes",
                       {in_drop(error(type, 0, "2001:db8:99::1", kLaptop, request), DW_REASON_ICMP_NO_FLOW),
                        out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                        in_accept(error(type, 0, "2001:db8:99::1", kLaptop, request), DW_REASON_ICMP_ERROR),
                        in_drop(error(type, 0, "2001:db8:99::1", kLaptop, stranger), DW_REASON_ICMP_NO_FLOW)}});
    all.push_back({"R16", "an error about a packet that went the other way is not believed",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_drop(error(1, 0, "2001:db8:99::1", kPeer,
                                  from_to(kPeer, kLaptop) / Tcp{.sport = 80, .dport = 50000}),
                            DW_REASON_NOT_OURS),
                    in_drop(error(1, 0, "2001:db8:99::1", kLaptop,
                                  from_to(kPeer, kLaptop) / Tcp{.sport = 80, .dport = 50000}),
                            DW_REASON_ICMP_NO_FLOW)}});
    all.push_back({"R16", "an error must go to the host that sent the quoted packet",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_drop(error(2, 0, "2001:db8:99::1", kNas, request), DW_REASON_ICMP_NO_FLOW)}});
    all.push_back({"R16", "the quoted chain gets the same walk",
                   {out_accept(from_to(kLaptop, kPeer) / Extension{} / Udp{.sport = 7000, .dport = 53},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_accept(error(2, 0, "2001:db8:99::1", kLaptop,
                                    from_to(kLaptop, kPeer) / Extension{} / Udp{.sport = 7000, .dport = 53}),
                              DW_REASON_ICMP_ERROR)}});
    all.push_back({"R16", "an error that quotes too little is dropped",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_drop(from_to("2001:db8:99::1", kLaptop) / Icmp{.type = 1} / Payload{request.quoted(44)},
                            DW_REASON_ICMP_NO_FLOW)}});
    all.push_back({"R17", "echo requests by rule, replies by flow",
                   {in_accept(from_to(kPeer, kLaptop) / Icmp{.type = 128}, DW_REASON_RULE_ACCEPT),
                    out_accept(from_to(kLaptop, kPeer) / Icmp{.type = 129}, DW_REASON_FLOW),
                    in_drop(from_to(kPeer, kLaptop) / Icmp{.type = 129, .id = 9}, DW_REASON_ICMP_NO_FLOW),
                    out_accept(from_to(kLaptop, kPeer) / Icmp{.type = 128, .id = 9}, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kLaptop) / Icmp{.type = 129, .id = 9}, DW_REASON_FLOW)}});
    all.push_back({"R17", "our own ping does not let the peer ping us",
                   {out_accept(from_to("2001:db8:aa00:10::5", kPeer) / Icmp{.type = 128, .id = 9},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_drop(from_to(kPeer, "2001:db8:aa00:10::5") / Icmp{.type = 128, .id = 9},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R18", "discovery with hop limit 255 reaches this box",
                   {in_accept(from_to(kRouter, kBoxLinkLocal, 255) / Icmp{.type = 135} / Payload{Bytes(16)},
                              DW_REASON_NEIGHBOUR),
                    in_accept(from_to(kRouter, "ff02::1:ff00:1", 255) / Icmp{.type = 135} / Payload{Bytes(16)},
                              DW_REASON_NEIGHBOUR),
                    in_accept(from_to("::", "ff02::1:ff00:1", 255) / Icmp{.type = 135} / Payload{Bytes(16)},
                              DW_REASON_NEIGHBOUR),
                    in_accept(from_to(kRouter, "ff02::1", 255) / Icmp{.type = 134} / Payload{Bytes(8)},
                              DW_REASON_ROUTER)}});
    all.push_back({"R18", "discovery from beyond the link is forged",
                   {in_drop(from_to(kRouter, kBoxLinkLocal, 64) / Icmp{.type = 135} / Payload{Bytes(16)},
                            DW_REASON_ND_INVALID),
                    in_drop(from_to(kRouter, "ff02::1", 254) / Icmp{.type = 134} / Payload{Bytes(8)},
                            DW_REASON_ND_INVALID),
                    in_drop(from_to(kRouter, "ff02::1", 255) / Icmp{.type = 134, .code = 1}, DW_REASON_ND_INVALID)}});
    all.push_back({"R18", "link-scope messages are never forwarded",
                   {in_drop(from_to(kPeer, kNas, 255) / Icmp{.type = 135}, DW_REASON_ICMP_TYPE),
                    in_drop(from_to(kPeer, kNas, 255) / Icmp{.type = 134}, DW_REASON_ICMP_TYPE),
                    in_drop(from_to(kPeer, kNas) / Icmp{.type = 151}, DW_REASON_ICMP_TYPE),
                    in_drop(from_to(kPeer, kNas) / Icmp{.type = 143}, DW_REASON_ICMP_TYPE),
                    out_drop(from_to(kNas, kPeer) / Icmp{.type = 137}, DW_REASON_ICMP_TYPE)}});
    all.push_back({"R18", "redirects are dropped",
                   {in_drop(from_to(kRouter, kBoxLinkLocal, 255) / Icmp{.type = 137} / Payload{Bytes(32)},
                            DW_REASON_REDIRECT)}});
    all.push_back({"R18", "MLD only from a link-local source",
                   {in_accept(from_to(kRouter, "ff02::1", 1) / Extension{.kind = 0} / Icmp{.type = 130} /
                                  Payload{Bytes(16)},
                              DW_REASON_MLD),
                    in_drop(from_to(kPeer, "ff02::1", 1) / Icmp{.type = 130} / Payload{Bytes(16)},
                            DW_REASON_ND_INVALID)}});
    for (const std::uint8_t type : {138, 139, 140, 100, 101, 200, 201, 127, 255})
        all.push_back({"R19", "ICMPv6 type " + std::to_string(type),
                       {in_drop(from_to(kPeer, kNas) / Icmp{.type = type}, DW_REASON_ICMP_TYPE)}});
    all.push_back({"R19", "an unknown error type never passes for a flow's",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_drop(error(7, 0, "2001:db8:99::1", kLaptop, request), DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R20", "an ICMPv6 error does not end a flow",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(error(1, 4, kPeer, kLaptop, request), DW_REASON_ICMP_ERROR),
                    in_accept(from_to(kPeer, kLaptop) / Tcp{.sport = 80, .dport = 50000, .flags = kSyn | kAck},
                              DW_REASON_FLOW)}});
    all.push_back({"R21", "a router advertisement needs a link-local source",
                   {in_drop(from_to(kPeer, "ff02::1", 255) / Icmp{.type = 134} / Payload{Bytes(8)},
                            DW_REASON_ND_INVALID)}});
    all.push_back({"language", "discovery and membership reports of this box leave",
                   {out_accept(from_to(kBoxLinkLocal, "ff02::2", 255) / Icmp{.type = 133}, DW_REASON_ROUTER),
                    out_accept(from_to(kBoxLinkLocal, kRouter, 255) / Icmp{.type = 136} / Payload{Bytes(16)},
                               DW_REASON_NEIGHBOUR),
                    out_accept(from_to("::", "ff02::16", 1) / Extension{.kind = 0} / Icmp{.type = 143},
                               DW_REASON_MLD),
                    out_drop(from_to(kLaptop, "ff02::2", 255) / Icmp{.type = 133}, DW_REASON_MULTICAST)}});
}

void flows(std::vector<Vector>& all) {
    const Packet syn = from_to(kPeer, kNas) / Tcp{};
    const Packet syn_ack = from_to(kNas, kPeer) / kSynAckToClient;
    const Packet ack = from_to(kPeer, kNas) / kAckOfClient;
    all.push_back({"R36", "only a clean SYN opens a TCP flow",
                   {in_drop(from_to(kPeer, kNas) / Tcp{.flags = kAck}, DW_REASON_TCP_NO_FLOW),
                    in_drop(from_to(kPeer, kNas) / Tcp{.flags = kFin | kAck}, DW_REASON_TCP_NO_FLOW),
                    in_drop(from_to(kPeer, kNas) / Tcp{.flags = kRst}, DW_REASON_TCP_NO_FLOW),
                    in_drop(from_to(kPeer, kNas) / Tcp{.flags = kSyn | kAck}, DW_REASON_TCP_NO_FLOW),
                    in_accept(syn, DW_REASON_RULE_ACCEPT), out_accept(syn_ack, DW_REASON_FLOW),
                    in_accept(ack, DW_REASON_FLOW)}});
    all.push_back({"R36", "a bare ACK from inside opens nothing",
                   {out_accept(from_to(kLaptop, kPeer) / Tcp{.sport = 1, .dport = 2, .flags = kAck},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_drop(from_to(kPeer, kLaptop) / Tcp{.sport = 2, .dport = 1, .flags = kAck},
                            DW_REASON_TCP_NO_FLOW)}});
    all.push_back({"R23", "only the peer that was spoken to may answer",
                   {out_accept(from_to(kLaptop, kPeer) / Udp{.sport = 6000, .dport = 6001},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kLaptop) / Udp{.sport = 6001, .dport = 6000}, DW_REASON_FLOW),
                    in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 6002, .dport = 6000}, DW_REASON_DEFAULT_DROP),
                    in_drop(from_to("2001:db8:1::2", kLaptop) / Udp{.sport = 6001, .dport = 6000},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R24", "simultaneous open works",
                   {out_accept(from_to(kLaptop, kPeer) / Tcp{.sport = 7, .dport = 8}, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kLaptop) / Tcp{.sport = 8, .dport = 7}, DW_REASON_FLOW),
                    out_accept(from_to(kLaptop, kPeer) / Tcp{.sport = 7, .dport = 8, .flags = kSyn | kAck},
                               DW_REASON_FLOW),
                    in_accept(from_to(kPeer, kLaptop) / Tcp{.sport = 8, .dport = 7, .flags = kSyn | kAck},
                              DW_REASON_FLOW)}});
    all.push_back({"R24", "a SYN inside an established flow is not believed",
                   {out_accept(from_to(kLaptop, kPeer) / Tcp{.sport = 7, .dport = 8}, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kLaptop) / Tcp{.sport = 8, .dport = 7, .flags = kSyn | kAck},
                              DW_REASON_FLOW),
                    in_drop(from_to(kPeer, kLaptop) / Tcp{.sport = 8, .dport = 7}, DW_REASON_TCP_STATE),
                    in_accept(syn, DW_REASON_RULE_ACCEPT), out_accept(syn_ack, DW_REASON_FLOW),
                    in_accept(ack, DW_REASON_FLOW), in_drop(syn, DW_REASON_TCP_STATE)}});
    all.push_back({"R24", "who opened the flow does not answer itself",
                   {in_accept(syn, DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kNas) / Tcp{.flags = kSyn | kAck}, DW_REASON_TCP_STATE)}});
    all.push_back({"R24", "after a close the same ports open again",
                   {in_accept(syn, DW_REASON_RULE_ACCEPT), out_accept(syn_ack, DW_REASON_FLOW),
                    in_accept(ack, DW_REASON_FLOW),
                    in_accept(from_to(kPeer, kNas) / Tcp{.flags = kFin | kAck}, DW_REASON_FLOW),
                    out_accept(from_to(kNas, kPeer) / Tcp{.sport = 443, .dport = 40000, .flags = kFin | kAck},
                               DW_REASON_FLOW),
                    in_accept(ack, DW_REASON_FLOW), in_accept(syn, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"R25", "what was denied has left no state",
                   {in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 9, .dport = 9}, DW_REASON_DEFAULT_DROP),
                    in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 9, .dport = 9}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R26", "refused by default without a word, rejected by rule",
                   {in_drop(from_to(kPeer, kNas) / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
                    in((from_to(kPeer, kNas) / Tcp{.dport = 113}).bytes(), DW_REASON_RULE_REJECT, DW_REJECT)}});
    all.push_back({"R30", "hosts answer on both live prefixes",
                   {in_accept(syn, DW_REASON_RULE_ACCEPT),
                    in_accept(from_to(kPeer, kOldNas) / Tcp{}, DW_REASON_RULE_ACCEPT),
                    out_accept(from_to(kOldNas, kPeer) / kSynAckToClient, DW_REASON_FLOW)}});
    all.push_back({"R31", "nothing new for a withdrawn prefix",
                   {in_drop(from_to(kPeer, kGoneNas) / Tcp{}, DW_REASON_PREFIX_WITHDRAWN),
                    out_drop(from_to(kGoneNas, kPeer) / Tcp{}, DW_REASON_PREFIX_WITHDRAWN)}});
}

void rules(std::vector<Vector>& all) {
    all.push_back({"language", "first match wins",
                   {in_drop(from_to("2001:db8:66::1", kNas) / Tcp{.dport = 8080}, DW_REASON_RULE_DROP),
                    in_accept(from_to(kPeer, kNas) / Tcp{.dport = 8080}, DW_REASON_RULE_ACCEPT),
                    in_accept(from_to("2001:db8:66::1", kNas) / Tcp{.dport = 8081}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"language", "self is this box on any of its addresses",
                   {in_accept(from_to("2001:db8:7::9", kBox) / Tcp{.dport = 22}, DW_REASON_RULE_ACCEPT),
                    in_accept(from_to("2001:db8:7::9", "2001:db8:aa00:1::1") / Tcp{.dport = 22},
                              DW_REASON_RULE_ACCEPT),
                    in_drop(from_to("2001:db8:7::9", kNas) / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
                    in_drop(from_to(kPeer, kBox) / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"language", "the sender's port",
                   {in_accept(from_to(kPeer, kLaptop) / Udp{.sport = 5353, .dport = 5353}, DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 5354, .dport = 5353},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"language", "audit counts and goes on",
                   {in_drop(from_to(kPeer, kNas) / Tcp{.dport = 23}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"language", "SCTP has ports",
                   {in_accept(from_to(kPeer, kNas) / Sctp{.dport = 5000}, DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kNas) / Sctp{.dport = 5001}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"language", "outbound rules",
                   {out_drop(from_to(kNas, kPeer) / Tcp{.dport = 25}, DW_REASON_RULE_DROP),
                    out_accept(from_to(kNas, kPeer) / Tcp{.dport = 26}, DW_REASON_DEFAULT_ACCEPT)}});
    all.push_back({"language", "DHCPv6 replies come from any unicast source to a link-local address",
                   {in_accept(from_to("2001:db8:99::1", kBoxLinkLocal) / Udp{.sport = 547, .dport = 546},
                              DW_REASON_DHCPV6),
                    in_drop(from_to("2001:db8:99::1", kLaptop) / Udp{.sport = 547, .dport = 546},
                            DW_REASON_DEFAULT_DROP),
                    out_accept(from_to(kBoxLinkLocal, "ff02::1:2") / Udp{.sport = 546, .dport = 547},
                               DW_REASON_DHCPV6)}});
}

void ipv4(std::vector<Vector>& all) {
    const Packet request = Ethernet{} / Ipv4{.src = "100.64.0.2", .dst = "198.51.100.1"} /
                           Tcp{.sport = 50000, .dport = 80};
    all.push_back({"language", "IPv4: replies, errors about known flows, and the lease; nothing else",
                   {in_drop(Ethernet{} / Ipv4{} / Tcp{.dport = 22}, DW_REASON_IPV4_UNSOLICITED),
                    in_drop(Ethernet{} / Ipv4{} / Icmp{.type = 8}, DW_REASON_IPV4_UNSOLICITED),
                    in_drop(Ethernet{} / Ipv4{} / Icmp{.type = 3} / Payload{request.quoted()},
                            DW_REASON_ICMP_NO_FLOW),
                    out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(Ethernet{} / Ipv4{} / Tcp{.sport = 80, .dport = 50000, .flags = kSyn | kAck},
                              DW_REASON_FLOW),
                    in_accept(Ethernet{} / Ipv4{} / Icmp{.type = 3} / Payload{request.quoted()},
                              DW_REASON_ICMP_ERROR),
                    in_accept(Ethernet{} / Ipv4{.src = "198.51.100.7"} / Udp{.sport = 67, .dport = 68},
                              DW_REASON_DHCPV4),
                    out_accept(Ethernet{} / Ipv4{.src = "0.0.0.0", .dst = "255.255.255.255"} /
                                   Udp{.sport = 68, .dport = 67},
                               DW_REASON_DHCPV4)}});
    all.push_back({"language", "IPv4 echo: our request lets the reply in, not a request",
                   {out_accept(Ethernet{} / Ipv4{.src = "100.64.0.2", .dst = "198.51.100.1"} / Icmp{.type = 8},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_drop(Ethernet{} / Ipv4{} / Icmp{.type = 8}, DW_REASON_IPV4_UNSOLICITED),
                    in_accept(Ethernet{} / Ipv4{} / Icmp{.type = 0}, DW_REASON_FLOW)}});
    all.push_back({"R12", "malformed IPv4 headers",
                   {in_drop(Ethernet{} / Ipv4{.header_words = 4} / Tcp{}, DW_REASON_IPV4_HEADER),
                    in_drop(Ethernet{} / Ipv4{.length = 19} / Tcp{}, DW_REASON_IPV4_HEADER),
                    in_drop(Ethernet{} / Ipv4{.length = 400} / Tcp{}, DW_REASON_TRUNCATED),
                    in_drop(Ethernet{} / Ipv4{.fragment = 5} / Payload{Bytes(64), 17}, DW_REASON_FRAGMENT_STRAY)}});
}

std::vector<Vector> all_vectors() {
    std::vector<Vector> all;
    addresses(all);
    headers(all);
    fragments(all);
    icmp(all);
    flows(all);
    rules(all);
    ipv4(all);
    return all;
}

}  // namespace

const std::vector<Vector>& vectors() {
    static const std::vector<Vector> all = all_vectors();
    return all;
}

}  // namespace dishwall::test
