// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {

void add_language_vectors(std::vector<Vector>& all) {
    all.push_back({"language",
                   "first match wins",
                   {in_drop(from_to("2001:db8:66::1", kNas) / Tcp{.dport = 8080}, DW_REASON_RULE_DROP),
                    in_accept(from_to(kPeer, kNas) / Tcp{.dport = 8080}, DW_REASON_RULE_ACCEPT),
                    in_accept(from_to("2001:db8:66::1", kNas) / Tcp{.dport = 8081}, DW_REASON_RULE_ACCEPT)}});
    all.push_back(
        {"language",
         "self is this box on any of its addresses [REC-50]",
         {in_accept(from_to("2001:db8:7::9", kBox) / Tcp{.dport = 22}, DW_REASON_RULE_ACCEPT),
          in_accept(from_to("2001:db8:7::9", "2001:db8:aa00:1::1") / Tcp{.dport = 22}, DW_REASON_RULE_ACCEPT),
          in_drop(from_to("2001:db8:7::9", kNas) / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
          in_drop(from_to(kPeer, kBox) / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP)}});
    all.push_back(
        {"language",
         "the sender's port",
         {in_accept(from_to(kPeer, kLaptop) / Udp{.sport = 5353, .dport = 5353}, DW_REASON_RULE_ACCEPT),
          in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 5354, .dport = 5353}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"language",
                   "audit counts and goes on",
                   {in_drop(from_to(kPeer, kNas) / Tcp{.dport = 23}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"language",
                   "SCTP has ports",
                   {in_accept(from_to(kPeer, kNas) / Sctp{.dport = 5000}, DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kNas) / Sctp{.dport = 5001}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"language",
                   "outbound rules",
                   {out_drop(from_to(kNas, kPeer) / Tcp{.dport = 25}, DW_REASON_RULE_DROP),
                    out_accept(from_to(kNas, kPeer) / Tcp{.dport = 26}, DW_REASON_DEFAULT_ACCEPT)}});
    all.push_back({"language",
                   "DHCPv6 replies come from any unicast source to a link-local address",
                   {in_accept(from_to("2001:db8:99::1", kBoxLinkLocal) / Udp{.sport = 547, .dport = 546},
                              DW_REASON_DHCPV6),
                    in_drop(from_to("2001:db8:99::1", kLaptop) / Udp{.sport = 547, .dport = 546},
                            DW_REASON_DEFAULT_DROP),
                    out_accept(from_to(kBoxLinkLocal, "ff02::1:2") / Udp{.sport = 546, .dport = 547},
                               DW_REASON_DHCPV6)}});
    const Packet request =
        Ethernet{} / Ipv4{.src = "100.64.0.2", .dst = "198.51.100.1"} / Tcp{.sport = 50000, .dport = 80};
    all.push_back(
        {"language",
         "IPv4: replies, errors about known flows, and the lease; nothing else",
         {in_drop(Ethernet{} / Ipv4{} / Tcp{.dport = 22}, DW_REASON_IPV4_UNSOLICITED),
          in_drop(Ethernet{} / Ipv4{} / Icmp{.type = 8}, DW_REASON_IPV4_UNSOLICITED),
          in_drop(Ethernet{} / Ipv4{} / Icmp{.type = 3} / Payload{request.quoted()}, DW_REASON_ICMP_NO_FLOW),
          out_accept(request, DW_REASON_DEFAULT_ACCEPT),
          in_accept(Ethernet{} / Ipv4{} / Tcp{.sport = 80, .dport = 50000, .flags = kSyn | kAck, .ack = 1001},
                    DW_REASON_FLOW),
          in_accept(Ethernet{} / Ipv4{} / Icmp{.type = 3} / Payload{request.quoted()}, DW_REASON_ICMP_ERROR),
          in_accept(Ethernet{} / Ipv4{.src = "198.51.100.7"} / Udp{.sport = 67, .dport = 68},
                    DW_REASON_DHCPV4),
          out_accept(
              Ethernet{} / Ipv4{.src = "0.0.0.0", .dst = "255.255.255.255"} / Udp{.sport = 68, .dport = 67},
              DW_REASON_DHCPV4)}});
    all.push_back(
        {"language",
         "IPv4 echo: our request lets the reply in, not a request",
         {out_accept(Ethernet{} / Ipv4{.src = "100.64.0.2", .dst = "198.51.100.1"} / Icmp{.type = 8},
                     DW_REASON_DEFAULT_ACCEPT),
          in_drop(Ethernet{} / Ipv4{} / Icmp{.type = 8}, DW_REASON_IPV4_UNSOLICITED),
          in_accept(Ethernet{} / Ipv4{} / Icmp{.type = 0}, DW_REASON_FLOW)}});
    all.push_back(
        {"R12",
         "malformed IPv4 headers",
         {in_drop(Ethernet{} / Ipv4{.header_words = 4} / Tcp{}, DW_REASON_IPV4_HEADER),
          in_drop(Ethernet{} / Ipv4{.length = 19} / Tcp{}, DW_REASON_IPV4_HEADER),
          in_drop(Ethernet{} / Ipv4{.length = 400} / Tcp{}, DW_REASON_TRUNCATED),
          in_drop(Ethernet{} / Ipv4{.fragment = 5} / Payload{Bytes(64), 17}, DW_REASON_FRAGMENT_STRAY)}});
}

}  // namespace dishwall::test
