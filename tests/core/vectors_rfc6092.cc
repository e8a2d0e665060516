// SPDX-License-Identifier: BSD-3-Clause
//
// Recommendations of RFC 6092 that no requirement of ours shows by itself: other transports, what the box
// itself does not serve, and the off switch.
#include "tests/core/story.h"

namespace dishwall::test {
namespace {

constexpr const char* kOther = "2001:db8:3::3";

// A protocol without ports that we look into.
Packet plain(const char* src, const char* dst, std::uint8_t proto, std::uint8_t first = 0) {
    Bytes bytes(32);
    bytes[3] = first;  // of ESP: the end of the SPI
    return from_to(src, dst) / Payload{bytes, proto};
}

// Out, every error that may concern it in, and the answer is still let in.
std::vector<Step> survives_errors(const Packet& out, const Packet& answer) {
    std::vector<Step> steps = {in_drop(error(2, 0, kHop, kLaptop, out), DW_REASON_ICMP_NO_FLOW),
                               out_accept(out, DW_REASON_DEFAULT_ACCEPT)};
    for (const std::uint8_t type : {1, 2, 3, 4})
        steps.push_back(in_accept(error(type, 0, kHop, kLaptop, out), DW_REASON_ICMP_ERROR));
    steps.push_back(in_accept(answer, DW_REASON_FLOW));
    return steps;
}

void other_transports(std::vector<Vector>& all) {
    all.push_back({"R20", "no ICMPv6 error ends a UDP flow [REC-18, REC-19]",
                   survives_errors(from_to(kLaptop, kPeer) / Udp{.sport = 7000, .dport = 53},
                                   from_to(kPeer, kLaptop) / Udp{.sport = 53, .dport = 7000})});
    all.push_back({"R20", "no ICMPv6 error ends an ESP flow, and all that quote it pass [REC-23]",
                   survives_errors(plain(kLaptop, kPeer, 50), plain(kPeer, kLaptop, 50))});
    all.push_back({"R20",
                   "no ICMPv6 error ends an SCTP association, and all that quote it pass [REC-41, REC-42]",
                   survives_errors(from_to(kLaptop, kPeer) / Sctp{.sport = 5, .dport = 6},
                                   from_to(kPeer, kLaptop) / Sctp{.sport = 6, .dport = 5})});
    all.push_back({"R20", "no ICMPv6 error ends a DCCP flow, and all that quote it pass [REC-45, REC-46]",
                   survives_errors(plain(kLaptop, kPeer, 33), plain(kPeer, kLaptop, 33))});
    all.push_back({"R15",
                   "of other protocols too only the peer that was spoken to may answer [REC-11]",
                   {out_accept(plain(kLaptop, kPeer, 77), DW_REASON_DEFAULT_ACCEPT),
                    in_accept(plain(kPeer, kLaptop, 77), DW_REASON_FLOW),
                    in_drop(plain(kOther, kLaptop, 77), DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R9",
                   "an ESP flow is a pair of addresses, whatever the SPI [REC-25]",
                   {out_accept(plain(kLaptop, kPeer, 50, 1), DW_REASON_DEFAULT_ACCEPT),
                    in_accept(plain(kPeer, kLaptop, 50, 2), DW_REASON_FLOW),
                    in_drop(plain(kOther, kLaptop, 50, 1), DW_REASON_DEFAULT_DROP)}});
    all.push_back(
        {"R9",
         "IKE is let out, and its answer in [REC-24]",
         {out_accept(from_to(kLaptop, kPeer) / Udp{.sport = 500, .dport = 500}, DW_REASON_DEFAULT_ACCEPT),
          in_accept(from_to(kPeer, kLaptop) / Udp{.sport = 500, .dport = 500}, DW_REASON_FLOW)}});
    const Packet udp_lite = plain(kPeer, kLaptop, 136);
    all.push_back(
        {"R15",
         "UDP-Lite and UDP open nothing for each other [REC-20]",
         {out_accept(from_to(kLaptop, kPeer) / Udp{.sport = 7000, .dport = 53}, DW_REASON_DEFAULT_ACCEPT),
          in_drop(udp_lite, DW_REASON_DEFAULT_DROP),
          out_accept(plain(kLaptop, kPeer, 136), DW_REASON_DEFAULT_ACCEPT),
          in_accept(udp_lite, DW_REASON_FLOW),
          in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 54, .dport = 7000}, DW_REASON_DEFAULT_DROP),
          Wait{299}, in_accept(udp_lite, DW_REASON_FLOW)}});
    all.push_back({"R15",
                   "DCCP passes for flows from inside, and from outside by rule [REC-43]",
                   {in_drop(plain(kPeer, kNas, 33), DW_REASON_DEFAULT_DROP),
                    out_accept(plain(kNas, kPeer, 33), DW_REASON_DEFAULT_ACCEPT),
                    in_accept(plain(kPeer, kNas, 33), DW_REASON_FLOW),
                    Load{world_rules_with("", "accept proto 33 to nas name dccp")},
                    in_accept(plain(kOther, kNas, 33), DW_REASON_RULE_ACCEPT)}});
    all.push_back(
        {"R22",
         "DCCP may sleep for two hours and four minutes when the rule file says so [REC-44 by option]",
         {Load{world_rules_with("timeout other 124m")},
          out_accept(plain(kLaptop, kPeer, 33), DW_REASON_DEFAULT_ACCEPT), Wait{7439},
          in_accept(plain(kPeer, kLaptop, 33), DW_REASON_FLOW)}});
    for (const std::uint8_t proto : {4, 41})
        all.push_back(
            {"R15",
             "tunnelled packets, protocol " + std::to_string(proto) + ", pass with their flow [REC-29]",
             {in_drop(plain(kPeer, kLaptop, proto), DW_REASON_DEFAULT_DROP),
              out_accept(plain(kLaptop, kPeer, proto), DW_REASON_DEFAULT_ACCEPT),
              in_accept(plain(kPeer, kLaptop, proto), DW_REASON_FLOW)}});
}

void associations(std::vector<Vector>& all) {
    const Packet init = from_to(kPeer, kNas) / Sctp{.dport = 79};
    all.push_back(
        {"R26",
         "reject-late answers an SCTP INIT after six seconds [REC-39 by option]",
         {Load{world_rules_with("", "reject-late sctp 79 name finger")},
          in_drop(init, DW_REASON_RULE_REJECT_LATE), Wait{5}, in_drop(init, DW_REASON_RULE_REJECT_LATE),
          Wait{2}, in_reject(init, DW_REASON_RULE_REJECT)}});
    const Packet out = from_to(kLaptop, kPeer) / Sctp{.sport = 5, .dport = 6};
    const Packet in = from_to(kPeer, kLaptop) / Sctp{.sport = 6, .dport = 5};
    const Step opens = out_accept(out, DW_REASON_DEFAULT_ACCEPT);
    all.push_back(
        {"R22",
         "an SCTP association may sleep for two hours and four minutes, an opening one for four [REC-40]",
         {opens, Wait{239}, in_accept(in, DW_REASON_FLOW), out_accept(out, DW_REASON_FLOW), Wait{7439},
          in_accept(in, DW_REASON_FLOW), Wait{7441}, in_drop(in, DW_REASON_DEFAULT_DROP), opens, Wait{241},
          in_drop(in, DW_REASON_DEFAULT_DROP)}});
}

void the_box_itself(std::vector<Vector>& all) {
    all.push_back(
        {"language",
         "DNS queries from outside do not reach this box [REC-8]",
         {in_drop(from_to(kPeer, kBox) / Udp{.dport = 53}, DW_REASON_DEFAULT_DROP),
          in_drop(from_to(kPeer, kBox) / Tcp{.dport = 53}, DW_REASON_DEFAULT_DROP),
          in_drop(from_to(kRouter, "ff02::fb") / Udp{.sport = 5353, .dport = 5353}, DW_REASON_MULTICAST)}});
    all.push_back(
        {"language",
         "DHCPv6 requests from outside reach no server of this box [REC-9]",
         {in_drop(from_to(kRouter, "ff02::1:2") / Udp{.sport = 546, .dport = 547}, DW_REASON_MULTICAST),
          in_drop(from_to(kRouter, kBoxLinkLocal) / Udp{.sport = 546, .dport = 547}, DW_REASON_DEFAULT_DROP),
          in_drop(from_to(kPeer, kBox) / Udp{.sport = 546, .dport = 547}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"language",
                   "`default accept` inbound is the transparent mode [REC-49 by option]",
                   {Load{"version 1\nuplink dish { interface e; prefix pd from dhcpv6-pd; "
                         "documentation-prefixes allow }\n"
                         "network lan = dish.pd subnet 1\npolicy inbound on dish { default accept }\n"},
                    in_accept(from_to(kPeer, kLaptop) / Tcp{.dport = 22}, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kLaptop) / Udp{}, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(plain(kPeer, kLaptop, 47), DW_REASON_DEFAULT_ACCEPT)}});
}

void mobile_ipv6(std::vector<Vector>& all) {
    const Packet there = from_to(kLaptop, kPeer) / Extension{.kind = 135, .type = 1, .next = 59};
    const Packet back = from_to(kPeer, kLaptop) / Extension{.kind = 135, .type = 3, .next = 59};
    all.push_back(
        {"R15",
         "mobility messages obey flows and rules like any protocol [REC-28, REC-30]",
         {in_drop(back, DW_REASON_DEFAULT_DROP), out_accept(there, DW_REASON_DEFAULT_ACCEPT),
          in_accept(back, DW_REASON_FLOW),
          in_drop(from_to(kOther, kLaptop) / Extension{.kind = 135, .next = 59}, DW_REASON_DEFAULT_DROP),
          Load{world_rules_with("", "accept proto 135 to lan name mobile")},
          in_accept(from_to(kOther, kLaptop) / Extension{.kind = 135, .next = 59}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"R7",
                   "a Shim6 header is walked, and hides nothing [REC-47]",
                   {in_accept(from_to(kPeer, kNas) / Extension{.kind = 140} / Tcp{}, DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kNas) / Extension{.kind = 140} / Tcp{.dport = 22},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R8",
                   "routing type 2 passes for a flow that a mobile host opened [REC-27 by option]",
                   {Load{world_rules_with("routing-headers allow")},
                    out_accept(from_to(kLaptop, kPeer) / Extension{.kind = 60, .units = 2} /
                                   Udp{.sport = 7000, .dport = 53},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_accept(from_to(kPeer, kLaptop) / Extension{.kind = 43, .units = 2, .type = 2} /
                                  Udp{.sport = 53, .dport = 7000},
                              DW_REASON_FLOW)}});
}

}  // namespace

void add_rfc6092_vectors(std::vector<Vector>& all) {
    other_transports(all);
    associations(all);
    the_box_itself(all);
    mobile_ipv6(all);
}

}  // namespace dishwall::test
