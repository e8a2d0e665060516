// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {

void add_icmp_vectors(std::vector<Vector>& all) {
    const Packet request = from_to(kLaptop, kPeer) / Tcp{.sport = 50000, .dport = 80};
    const Packet stranger = from_to(kLaptop, kPeer) / Tcp{.sport = 50001, .dport = 80};
    for (const std::uint8_t type : {1, 2, 3, 4})
        all.push_back(
            {"R16",
             "error type " + std::to_string(type) + " passes only for a flow it quotes [REC-10, REC-36]",
             {in_drop(error(type, 0, kHop, kLaptop, request), DW_REASON_ICMP_NO_FLOW),
              out_accept(request, DW_REASON_DEFAULT_ACCEPT),
              in_accept(error(type, 0, kHop, kLaptop, request), DW_REASON_ICMP_ERROR),
              in_drop(error(type, 0, kHop, kLaptop, stranger), DW_REASON_ICMP_NO_FLOW)}});
    all.push_back(
        {"R16",
         "an error about a packet that went the other way is not believed",
         {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
          in_drop(error(1, 0, kHop, kPeer, from_to(kPeer, kLaptop) / Tcp{.sport = 80, .dport = 50000}),
                  DW_REASON_NOT_OURS),
          in_drop(error(1, 0, kHop, kLaptop, from_to(kPeer, kLaptop) / Tcp{.sport = 80, .dport = 50000}),
                  DW_REASON_ICMP_NO_FLOW)}});
    all.push_back({"R16",
                   "an error must go to the host that sent the quoted packet",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_drop(error(2, 0, kHop, kNas, request), DW_REASON_ICMP_NO_FLOW)}});
    all.push_back({"R16",
                   "the quoted chain gets the same walk [REC-18]",
                   {out_accept(from_to(kLaptop, kPeer) / Extension{} / Udp{.sport = 7000, .dport = 53},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_accept(error(2, 0, kHop, kLaptop,
                                    from_to(kLaptop, kPeer) / Extension{} / Udp{.sport = 7000, .dport = 53}),
                              DW_REASON_ICMP_ERROR)}});
    all.push_back({"R16",
                   "an error that quotes too little is dropped",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_drop(from_to(kHop, kLaptop) / Icmp{.type = 1} / Payload{request.quoted(44)},
                            DW_REASON_ICMP_NO_FLOW)}});
    all.push_back(
        {"R17",
         "echo requests by rule, replies by flow",
         {in_accept(from_to(kPeer, kLaptop) / Icmp{.type = 128}, DW_REASON_RULE_ACCEPT),
          out_accept(from_to(kLaptop, kPeer) / Icmp{.type = 129}, DW_REASON_FLOW),
          in_drop(from_to(kPeer, kLaptop) / Icmp{.type = 129, .id = 9}, DW_REASON_ICMP_NO_FLOW),
          out_accept(from_to(kLaptop, kPeer) / Icmp{.type = 128, .id = 9}, DW_REASON_DEFAULT_ACCEPT),
          in_accept(from_to(kPeer, kLaptop) / Icmp{.type = 129, .id = 9}, DW_REASON_FLOW)}});
    all.push_back({"R17",
                   "our own ping does not let the peer ping us",
                   {out_accept(from_to("2001:db8:aa00:10::5", kPeer) / Icmp{.type = 128, .id = 9},
                               DW_REASON_DEFAULT_ACCEPT),
                    in_drop(from_to(kPeer, "2001:db8:aa00:10::5") / Icmp{.type = 128, .id = 9},
                            DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R18",
                   "link-scope messages are never forwarded",
                   {in_drop(from_to(kPeer, kNas, 255) / Icmp{.type = 135}, DW_REASON_ICMP_TYPE),
                    in_drop(from_to(kPeer, kNas, 255) / Icmp{.type = 134}, DW_REASON_ICMP_TYPE),
                    in_drop(from_to(kPeer, kNas) / Icmp{.type = 151}, DW_REASON_ICMP_TYPE),
                    in_drop(from_to(kPeer, kNas) / Icmp{.type = 143}, DW_REASON_ICMP_TYPE),
                    out_drop(from_to(kNas, kPeer) / Icmp{.type = 137}, DW_REASON_ICMP_TYPE)}});
    for (const std::uint8_t type : {138, 139, 140, 100, 101, 200, 201, 127, 255})
        all.push_back({"R19",
                       "ICMPv6 type " + std::to_string(type),
                       {in_drop(from_to(kPeer, kNas) / Icmp{.type = type}, DW_REASON_ICMP_TYPE)}});
    all.push_back({"R19",
                   "an unknown error type never passes for a flow's",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_drop(error(7, 0, kHop, kLaptop, request), DW_REASON_DEFAULT_DROP)}});
    all.push_back(
        {"R19",
         "nothing but an echo reply answers our ping, whatever identifier it has",
         {out_accept(from_to(kLaptop, kPeer) / Icmp{.type = 128, .id = 9}, DW_REASON_DEFAULT_ACCEPT),
          in_drop(from_to(kPeer, kLaptop) / Icmp{.type = 5, .id = 9}, DW_REASON_DEFAULT_DROP),
          in_drop(from_to(kPeer, kLaptop) / Icmp{.type = 144, .id = 9}, DW_REASON_DEFAULT_DROP),
          in_accept(from_to(kPeer, kLaptop) / Icmp{.type = 129, .id = 9}, DW_REASON_FLOW)}});
    all.push_back({"R20",
                   "an ICMPv6 error does not end a flow [REC-37]",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(error(1, 4, kPeer, kLaptop, request), DW_REASON_ICMP_ERROR),
                    in_accept(from_to(kPeer, kLaptop) /
                                  Tcp{.sport = 80, .dport = 50000, .flags = kSyn | kAck, .ack = 1001},
                              DW_REASON_FLOW)}});
    const Talk talk{.inside = kLaptop, .inside_port = 50000, .outside_port = 80};
    const auto too_big = [&](std::uint32_t seq) {
        return error(2, 0, kHop, kLaptop, talk.out({.seq = seq, .ack = 1, .length = 1000}));
    };
    all.push_back(
        {"R16", "an error must quote a sequence number that is on its way",
         talk.opened_from_inside() +
             std::vector<Step>{out_accept(talk.out({.seq = 1, .ack = 1, .length = 1200}), DW_REASON_FLOW),
                               in_accept(too_big(1), DW_REASON_ICMP_ERROR),
                               in_drop(too_big(1202), DW_REASON_ICMP_SEQUENCE),
                               in_drop(too_big(0x40000000), DW_REASON_ICMP_SEQUENCE),
                               in_drop(too_big(0x80000000), DW_REASON_ICMP_SEQUENCE),
                               in_drop(too_big(0u - 70000), DW_REASON_ICMP_SEQUENCE)}});
    const Talk served;
    const Packet data = served.in({.seq = 1, .ack = 1, .length = 1200});
    all.push_back(
        {"R16", "our side's errors about what came in leave, others do not",
         served.opened_from_outside() +
             std::vector<Step>{in_accept(data, DW_REASON_FLOW),
                               out_accept(error(2, 0, kBox, kPeer, data), DW_REASON_ICMP_ERROR),
                               out_drop(error(2, 0, kBox, kPeer, served.in({.seq = 9999999, .ack = 1})),
                                        DW_REASON_ICMP_SEQUENCE),
                               out_drop(error(1, 4, kNas, kPeer, from_to(kPeer, kNas) / Udp{.dport = 9}),
                                        DW_REASON_ICMP_NO_FLOW)}});
    all.push_back(
        {"R16",
         "the first fragment of our datagram may be quoted, cut anywhere behind its header",
         {out_accept(from_to(kLaptop, kPeer) / Fragment{.more = true} /
                         Udp{.sport = 7000, .dport = 53, .length = 4000} / Payload{Bytes(1000)},
                     DW_REASON_DEFAULT_ACCEPT),
          in_accept(from_to(kHop, kLaptop) / Icmp{.type = 2} /
                        Payload{(from_to(kLaptop, kPeer) / Fragment{.more = true} /
                                 Udp{.sport = 7000, .dport = 53, .length = 4000} / Payload{Bytes(1000)})
                                    .quoted(333)},
                    DW_REASON_ICMP_ERROR)}});
    all.push_back({"R17",
                   "parameter problem and reassembly time exceeded like the other errors",
                   {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
                    in_accept(error(3, 1, kHop, kLaptop, request), DW_REASON_ICMP_ERROR),
                    in_accept(error(4, 0, kHop, kLaptop, request), DW_REASON_ICMP_ERROR),
                    in_drop(error(3, 1, kHop, kLaptop, stranger), DW_REASON_ICMP_NO_FLOW),
                    in_drop(error(4, 0, kHop, kLaptop, stranger), DW_REASON_ICMP_NO_FLOW)}});
    for (const std::uint8_t type : {144, 145, 146, 147})
        all.push_back(
            {"R17",
             "mobility message " + std::to_string(type) + " by rule",
             {in_drop(from_to(kPeer, kNas) / Icmp{.type = type}, DW_REASON_DEFAULT_DROP),
              Load{world_rules_with("", "accept icmpv6 " + std::to_string(type) + " to nas name mobile")},
              in_accept(from_to(kPeer, kNas) / Icmp{.type = type}, DW_REASON_RULE_ACCEPT)}});
    all.push_back(
        {"R20", "an ICMPv6 error ends no established flow [REC-37]",
         talk.opened_from_inside() +
             std::vector<Step>{
                 in_accept(error(1, 0, kPeer, kLaptop, talk.out({.seq = 1, .ack = 1})), DW_REASON_ICMP_ERROR),
                 in_accept(talk.in({.seq = 1, .ack = 1, .length = 10}), DW_REASON_FLOW)}});
}

}  // namespace dishwall::test
