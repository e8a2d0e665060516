// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {

void add_flow_vectors(std::vector<Vector>& all) {
    const Talk talk;
    all.push_back({"R36", "only a clean SYN opens a TCP flow",
                   std::vector<Step>{in_drop(talk.in({.flags = kAck}), DW_REASON_TCP_NO_FLOW),
                                     in_drop(talk.in({.flags = kFin | kAck}), DW_REASON_TCP_NO_FLOW),
                                     in_drop(talk.in({.flags = kRst}), DW_REASON_TCP_NO_FLOW),
                                     in_drop(talk.in({.flags = kSyn | kAck}), DW_REASON_TCP_NO_FLOW)} +
                       talk.opened_from_outside()});
    all.push_back({"R36",
                   "a bare ACK from inside opens nothing",
                   {out_accept(from_to(kLaptop, kPeer) / Tcp{.sport = 1, .dport = 2, .flags = kAck},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_drop(from_to(kPeer, kLaptop) / Tcp{.sport = 2, .dport = 1, .flags = kAck},
                            DW_REASON_TCP_NO_FLOW)}});
    all.push_back({"R36",
                   "a bad checksum opens nothing",
                   {in_drop(talk.in({.flags = kSyn, .checksum = 1}), DW_REASON_CHECKSUM),
                    in_drop(from_to(kPeer, kNas) / Udp{.checksum = 1}, DW_REASON_CHECKSUM),
                    out_drop(from_to("2001:db8:dd00::1", kPeer) / Tcp{}, DW_REASON_SOURCE_NOT_OURS),
                    in_accept(talk.in({.flags = kSyn}), DW_REASON_RULE_ACCEPT)}});
    all.push_back(
        {"R36", "a bad checksum ends nothing",
         talk.opened_from_outside() +
             std::vector<Step>{in_drop(talk.in({.flags = kRst, .seq = 1, .checksum = 1}), DW_REASON_CHECKSUM),
                               in_drop(talk.in({.flags = kFin | kAck, .seq = 1, .ack = 1, .checksum = 1}),
                                       DW_REASON_CHECKSUM),
                               Wait{3600}, in_accept(talk.in({.seq = 1, .ack = 1}), DW_REASON_FLOW)}});
    all.push_back(
        {"R23",
         "only the peer that was spoken to may answer",
         {out_accept(from_to(kLaptop, kPeer) / Udp{.sport = 6000, .dport = 6001}, DW_REASON_DEFAULT_ACCEPT),
          in_accept(from_to(kPeer, kLaptop) / Udp{.sport = 6001, .dport = 6000}, DW_REASON_FLOW),
          in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 6002, .dport = 6000}, DW_REASON_DEFAULT_DROP),
          in_drop(from_to("2001:db8:1::2", kLaptop) / Udp{.sport = 6001, .dport = 6000},
                  DW_REASON_DEFAULT_DROP)}});
    const std::string independent = "accept udp 6000 endpoint-independent name games";
    const Packet asked = from_to(kLaptop, kPeer) / Udp{.sport = 7000, .dport = 6000};
    const auto answer = [](const char* from, std::uint16_t port) {
        return from_to(from, kLaptop) / Udp{.sport = 9999, .dport = port};
    };
    all.push_back(
        {"R23",
         "an endpoint-independent rule lets any peer answer, in both directions [REC-17 by option]",
         {Load{world_rules_with("", "", independent)},
          in_drop(answer("2001:db8:3::3", 7000), DW_REASON_DEFAULT_DROP),
          out_accept(asked, DW_REASON_RULE_ACCEPT),
          in_accept(answer("2001:db8:3::3", 7000), DW_REASON_INDEPENDENT),
          out_accept(from_to(kLaptop, "2001:db8:3::3") / Udp{.sport = 7000, .dport = 9999}, DW_REASON_FLOW),
          in_accept(answer("2001:db8:3::3", 7000), DW_REASON_FLOW),
          in_drop(answer("2001:db8:3::3", 7001), DW_REASON_DEFAULT_DROP)}});
    all.push_back(
        {"R23",
         "the port stays open for others only while its host speaks",
         {Load{world_rules_with("", "", independent)}, out_accept(asked, DW_REASON_RULE_ACCEPT), Wait{200},
          in_accept(answer("2001:db8:3::3", 7000), DW_REASON_INDEPENDENT), Wait{200},
          in_drop(answer("2001:db8:3::4", 7000), DW_REASON_DEFAULT_DROP),
          out_accept(from_to(kLaptop, "2001:db8:3::3") / Udp{.sport = 7000, .dport = 9999}, DW_REASON_FLOW),
          in_accept(answer("2001:db8:3::4", 7000), DW_REASON_INDEPENDENT)}});
    all.push_back(
        {"R23",
         "an endpoint-independent rule for TCP lets any peer open to the port [REC-33 by option]",
         {Load{world_rules_with("", "", "accept tcp 6000 endpoint-independent name games")},
          out_accept(Talk{.inside = kLaptop, .inside_port = 7000, .outside_port = 6000}.out({.flags = kSyn}),
                     DW_REASON_RULE_ACCEPT),
          in_accept(
              Talk{.inside = kLaptop, .outside = "2001:db8:3::3", .inside_port = 7000}.in({.flags = kSyn}),
              DW_REASON_INDEPENDENT),
          in_drop(
              Talk{.inside = kLaptop, .outside = "2001:db8:3::4", .inside_port = 7000}.in({.flags = kAck}),
              DW_REASON_TCP_NO_FLOW)}});
    all.push_back({"R23",
                   "a rule that says drop is stricter than a port that is open for all",
                   {Load{world_rules_with("", "drop udp from 2001:db8:66::/48 name bad", independent)},
                    out_accept(asked, DW_REASON_RULE_ACCEPT),
                    in_drop(answer("2001:db8:66::3", 7000), DW_REASON_RULE_DROP)}});
    all.push_back({"R28",
                   "flows of an endpoint-independent rule live over a load while the rule does",
                   {Load{world_rules_with("", "", independent)}, out_accept(asked, DW_REASON_RULE_ACCEPT),
                    in_accept(answer("2001:db8:3::3", 7000), DW_REASON_INDEPENDENT),
                    Load{world_rules_with("grace 5m", "", independent)},
                    in_accept(answer("2001:db8:3::3", 7000), DW_REASON_FLOW), Load{kWorldRules},
                    in_drop(answer("2001:db8:3::3", 7000), DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R25",
                   "what was denied has left no state",
                   {in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 9, .dport = 9}, DW_REASON_DEFAULT_DROP),
                    in_drop(from_to(kPeer, kLaptop) / Udp{.sport = 9, .dport = 9}, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R26",
                   "refused by default without a word, rejected by rule",
                   {in_drop(from_to(kPeer, kNas) / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
                    in_reject(from_to(kPeer, kNas) / Tcp{.dport = 113}, DW_REASON_RULE_REJECT)}});
    const Packet late = from_to(kPeer, kNas) / Tcp{.dport = 79};
    all.push_back(
        {"R26",
         "reject-late answers who still asks after six seconds [REC-34 by option]",
         {Load{world_rules_with("", "reject-late tcp 79 name finger")},
          in_drop(late, DW_REASON_RULE_REJECT_LATE), Wait{1}, in_drop(late, DW_REASON_RULE_REJECT_LATE),
          Wait{2}, in_drop(late, DW_REASON_RULE_REJECT_LATE), Wait{4}, in_reject(late, DW_REASON_RULE_REJECT),
          Wait{121}, in_drop(late, DW_REASON_RULE_REJECT_LATE)}});
    all.push_back(
        {"R26",
         "reject-late is silent about a connection that our side opens meanwhile",
         {Load{world_rules_with("", "reject-late tcp 79 name finger")},
          in_drop(late, DW_REASON_RULE_REJECT_LATE), Wait{3},
          out_accept(from_to(kNas, kPeer) / Tcp{.sport = 79, .dport = 40000}, DW_REASON_DEFAULT_ACCEPT),
          Wait{4}, in_accept(late, DW_REASON_FLOW)}});
    all.push_back(
        {"R26",
         "reject-late as the default [REC-34 by option]",
         {Load{"version 1\nuplink dish { interface e; prefix pd from dhcpv6-pd; documentation-prefixes allow "
               "}\n"
               "network lan = dish.pd subnet 1\npolicy inbound on dish { default reject-late }\n"},
          in_drop(late, DW_REASON_DEFAULT_REJECT_LATE), Wait{7}, in_reject(late, DW_REASON_DEFAULT_REJECT)}});
    std::string closed = kWorldRules;
    closed.replace(closed.find("accept service web to nas"), 6, "drop  ");
    const Talk dev{.inside_port = 8001};
    const Packet reply = from_to(kPeer, kNas) / Udp{.sport = 53, .dport = 1000};
    all.push_back(
        {"R28", "a load that closes a port ends its flows with their next packet, and no others",
         talk.opened_from_outside() + dev.opened_from_outside() +
             std::vector<Step>{
                 out_accept(from_to(kNas, kPeer) / Udp{.sport = 1000, .dport = 53}, DW_REASON_DEFAULT_ACCEPT),
                 Load{closed}, in_drop(talk.in({.seq = 1, .ack = 1}), DW_REASON_RULE_DROP),
                 in_drop(talk.in({.seq = 1, .ack = 1}), DW_REASON_TCP_NO_FLOW),
                 in_accept(dev.in({.seq = 1, .ack = 1}), DW_REASON_FLOW), in_accept(reply, DW_REASON_FLOW)}});
    all.push_back({"R28",
                   "a flow is judged again on its way out too",
                   {in_accept(talk.in({.flags = kSyn}), DW_REASON_RULE_ACCEPT), Load{closed},
                    out_drop(talk.out({.flags = kSyn | kAck, .ack = 1}), DW_REASON_RULE_DROP)}});
    all.push_back(
        {"N7",
         "while policies are loaded over each other what both refuse is refused, and counts go on",
         {in_drop(late, DW_REASON_DEFAULT_DROP), Load{closed}, in_drop(late, DW_REASON_DEFAULT_DROP),
          Load{kWorldRules}, in_drop(late, DW_REASON_DEFAULT_DROP), Load{closed},
          in_drop(late, DW_REASON_DEFAULT_DROP)}});
    const Packet ask = from_to(kNas, kPeer) / Udp{.sport = 1000, .dport = 53};
    const Step asks = out_accept(ask, DW_REASON_DEFAULT_ACCEPT);
    all.push_back({"R22",
                   "UDP lives five minutes [REC-14]",
                   {asks, Wait{299}, in_accept(reply, DW_REASON_FLOW), Wait{301},
                    in_drop(reply, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R22",
                   "what a host sends keeps its UDP flow alive, and so does what it is sent [REC-16]",
                   {asks, Wait{200}, out_accept(ask, DW_REASON_FLOW), Wait{200},
                    in_accept(reply, DW_REASON_FLOW), Wait{200}, in_accept(reply, DW_REASON_FLOW)}});
    all.push_back(
        {"R22", "an established TCP connection may sleep for two hours and four minutes [REC-35]",
         talk.opened_from_outside() +
             std::vector<Step>{Wait{7439}, in_accept(talk.in({.seq = 1, .ack = 1}), DW_REASON_FLOW),
                               Wait{7441}, in_drop(talk.in({.seq = 1, .ack = 1}), DW_REASON_TCP_NO_FLOW)}});
    all.push_back({"R22", "a TCP connection that is opening or closing lives four minutes [REC-35]",
                   std::vector<Step>{in_accept(talk.in({.flags = kSyn}), DW_REASON_RULE_ACCEPT), Wait{241},
                                     in_drop(talk.in({.seq = 1, .ack = 1}), DW_REASON_TCP_NO_FLOW)} +
                       dev.opened_from_outside() +
                       std::vector<Step>{
                           in_accept(dev.in({.flags = kFin | kAck, .seq = 1, .ack = 1}), DW_REASON_FLOW),
                           out_accept(dev.out({.flags = kFin | kAck, .seq = 1, .ack = 2}), DW_REASON_FLOW),
                           Wait{239}, in_accept(dev.in({.seq = 2, .ack = 2}), DW_REASON_FLOW), Wait{241},
                           in_drop(dev.in({.seq = 2, .ack = 2}), DW_REASON_TCP_NO_FLOW)}});
    all.push_back(
        {"R22", "half a close leaves a connection its two hours",
         talk.opened_from_outside() +
             std::vector<Step>{in_accept(talk.in({.flags = kFin | kAck, .seq = 1, .ack = 1}), DW_REASON_FLOW),
                               Wait{7000},
                               out_accept(talk.out({.seq = 1, .ack = 2, .length = 10}), DW_REASON_FLOW)}});
    all.push_back(
        {"R22",
         "a ping is answered within a minute, other protocols within five, SCTP sleeps like TCP [REC-12]",
         {out_accept(from_to(kLaptop, kPeer) / Icmp{.type = 128, .id = 9}, DW_REASON_DEFAULT_ACCEPT),
          out_accept(from_to(kLaptop, kPeer) / Payload{Bytes(32), 50}, DW_REASON_DEFAULT_ACCEPT),
          out_accept(from_to(kLaptop, kPeer) / Sctp{.sport = 5, .dport = 6}, DW_REASON_DEFAULT_ACCEPT),
          in_accept(from_to(kPeer, kLaptop) / Sctp{.sport = 6, .dport = 5}, DW_REASON_FLOW), Wait{59},
          in_accept(from_to(kPeer, kLaptop) / Icmp{.type = 129, .id = 9}, DW_REASON_FLOW), Wait{61},
          in_drop(from_to(kPeer, kLaptop) / Icmp{.type = 129, .id = 9}, DW_REASON_ICMP_NO_FLOW), Wait{179},
          in_accept(from_to(kPeer, kLaptop) / Payload{Bytes(32), 50}, DW_REASON_FLOW), Wait{301},
          in_drop(from_to(kPeer, kLaptop) / Payload{Bytes(32), 50}, DW_REASON_DEFAULT_DROP), Wait{6000},
          in_accept(from_to(kPeer, kLaptop) / Sctp{.sport = 6, .dport = 5}, DW_REASON_FLOW)}});
    all.push_back(
        {"R22",
         "the rule file's timeouts hold",
         {Load{world_rules_with("timeout udp 2m; timeout icmp 10s")}, asks,
          out_accept(from_to(kLaptop, kPeer) / Icmp{.type = 128, .id = 9}, DW_REASON_DEFAULT_ACCEPT),
          Wait{11}, in_drop(from_to(kPeer, kLaptop) / Icmp{.type = 129, .id = 9}, DW_REASON_ICMP_NO_FLOW),
          Wait{108}, in_accept(reply, DW_REASON_FLOW), Wait{121}, in_drop(reply, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R27",
                   "a packet that comes twice changes nothing the second time",
                   {in_accept(talk.in({.flags = kSyn}), DW_REASON_RULE_ACCEPT),
                    in_accept(talk.in({.flags = kSyn}), DW_REASON_FLOW),
                    out_accept(talk.out({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
                    out_accept(talk.out({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
                    in_accept(talk.in({.seq = 1, .ack = 1}), DW_REASON_FLOW),
                    in_accept(talk.in({.seq = 1, .ack = 1}), DW_REASON_FLOW)}});
}

}  // namespace dishwall::test
