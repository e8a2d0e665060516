// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {

void add_tcp_vectors(std::vector<Vector>& all) {
    const Talk served;                                                              // opened from outside
    const Talk asked{.inside = kLaptop, .inside_port = 50000, .outside_port = 80};  // and from inside
    const std::vector<Step> up = served.opened_from_outside();
    const Step alive = in_accept(served.in({.seq = 1, .ack = 1}), DW_REASON_FLOW);
    all.push_back({"R24",
                   "simultaneous open works [REC-31]",
                   {out_accept(asked.out({.flags = kSyn}), DW_REASON_DEFAULT_ACCEPT),
                    in_accept(asked.in({.flags = kSyn}), DW_REASON_FLOW),
                    out_accept(asked.out({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
                    in_accept(asked.in({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
                    in_accept(asked.in({.seq = 1, .ack = 1, .length = 10}), DW_REASON_FLOW),
                    out_accept(asked.out({.seq = 1, .ack = 11}), DW_REASON_FLOW)}});
    all.push_back({"R24",
                   "simultaneous open works when the peer's first SYN was refused [REC-31]",
                   {in_drop(asked.in({.flags = kSyn}), DW_REASON_DEFAULT_DROP),
                    out_accept(asked.out({.flags = kSyn}), DW_REASON_DEFAULT_ACCEPT),
                    in_accept(asked.in({.flags = kSyn}), DW_REASON_FLOW),
                    out_accept(asked.out({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
                    in_accept(asked.in({.seq = 1, .ack = 1}), DW_REASON_FLOW)}});
    all.push_back({"R24", "a SYN inside an established flow is not believed",
                   asked.opened_from_inside() +
                       std::vector<Step>{in_drop(asked.in({.flags = kSyn}), DW_REASON_TCP_STATE),
                                         in_drop(asked.in({.flags = kSyn, .seq = 1}), DW_REASON_TCP_STATE)} +
                       up +
                       std::vector<Step>{in_drop(served.in({.flags = kSyn}), DW_REASON_TCP_STATE), alive}});
    all.push_back({"R24",
                   "another SYN than the one that was answered is not believed",
                   {in_accept(served.in({.flags = kSyn}), DW_REASON_RULE_ACCEPT),
                    out_accept(served.out({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
                    in_drop(served.in({.flags = kSyn, .seq = 777}), DW_REASON_TCP_STATE),
                    in_accept(served.in({.flags = kSyn}), DW_REASON_FLOW), alive}});
    all.push_back({"R24",
                   "who opened the flow does not answer itself",
                   {in_accept(served.in({.flags = kSyn}), DW_REASON_RULE_ACCEPT),
                    in_drop(served.in({.flags = kSyn | kAck}), DW_REASON_TCP_STATE),
                    in_drop(served.in({.seq = 1, .ack = 1}), DW_REASON_TCP_WINDOW)}});
    all.push_back(
        {"R24", "after a close the same ports open again",
         up + std::vector<Step>{
                  in_accept(served.in({.flags = kFin | kAck, .seq = 1, .ack = 1}), DW_REASON_FLOW),
                  out_accept(served.out({.flags = kFin | kAck, .seq = 1, .ack = 2}), DW_REASON_FLOW),
                  in_accept(served.in({.seq = 2, .ack = 2}), DW_REASON_FLOW),
                  in_accept(served.in({.flags = kSyn, .seq = 70000}), DW_REASON_RULE_ACCEPT)}});
    all.push_back(
        {"R24", "a host that starts over from the same port opens a new flow",
         asked.opened_from_inside() +
             std::vector<Step>{
                 out_accept(asked.out({.flags = kSyn, .seq = 0x30000000}), DW_REASON_DEFAULT_ACCEPT),
                 in_accept(asked.in({.seq = 1, .ack = 1}), DW_REASON_FLOW),  // the peer challenges
                 out_accept(asked.out({.flags = kRst, .seq = 1}), DW_REASON_FLOW),
                 out_accept(asked.out({.flags = kSyn, .seq = 0x30000000}), DW_REASON_FLOW),
                 in_accept(asked.in({.flags = kSyn | kAck, .seq = 0x50000000, .ack = 0x30000001}),
                           DW_REASON_FLOW)}});
    all.push_back(
        {"R24", "a RST ends the flow only at the number that our side waits for",
         up + std::vector<Step>{
                  in_drop(served.in({.flags = kRst, .seq = 0x40000000}), DW_REASON_TCP_WINDOW),
                  in_drop(served.in({.flags = kRst, .seq = 0}), DW_REASON_TCP_WINDOW),
                  in_drop(served.in({.flags = kRst, .seq = 65538}), DW_REASON_TCP_WINDOW),
                  in_accept(served.in({.flags = kRst, .seq = 2}), DW_REASON_FLOW),  // the host challenges it
                  Wait{3600}, alive, in_accept(served.in({.flags = kRst, .seq = 1}), DW_REASON_FLOW),
                  Wait{241}, in_drop(served.in({.seq = 1, .ack = 1}), DW_REASON_TCP_NO_FLOW)}});
    all.push_back({"R24",
                   "a RST that refuses our SYN acknowledges it",
                   {out_accept(asked.out({.flags = kSyn}), DW_REASON_DEFAULT_ACCEPT),
                    in_drop(asked.in({.flags = kRst}), DW_REASON_TCP_WINDOW),
                    in_drop(asked.in({.flags = kRst | kAck, .ack = 2}), DW_REASON_TCP_WINDOW),
                    in_accept(asked.in({.flags = kRst | kAck, .ack = 1}), DW_REASON_FLOW),
                    out_accept(asked.out({.flags = kSyn, .seq = 5}), DW_REASON_DEFAULT_ACCEPT)}});
    all.push_back({"R24",
                   "a client may take its SYN back",
                   {in_accept(served.in({.flags = kSyn}), DW_REASON_RULE_ACCEPT),
                    in_drop(served.in({.flags = kRst, .seq = 9}), DW_REASON_TCP_WINDOW),
                    in_accept(served.in({.flags = kRst, .seq = 1}), DW_REASON_FLOW)}});
    all.push_back({"R24",
                   "an answer to our SYN must acknowledge it",
                   {out_accept(asked.out({.flags = kSyn}), DW_REASON_DEFAULT_ACCEPT),
                    in_drop(asked.in({.flags = kSyn | kAck, .ack = 2}), DW_REASON_TCP_WINDOW),
                    in_drop(asked.in({.flags = kSyn | kAck, .ack = 0x80000000}), DW_REASON_TCP_WINDOW),
                    in_drop(asked.in({.seq = 1, .ack = 1, .length = 10}), DW_REASON_TCP_WINDOW),
                    in_accept(asked.in({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW)}});
    all.push_back(
        {"R24", "data beyond the window, or far behind it, is dropped",
         up + std::vector<Step>{
                  in_accept(served.in({.seq = 1, .ack = 1, .length = 1000}), DW_REASON_FLOW),
                  in_accept(served.in({.seq = 65536, .ack = 1, .length = 100}), DW_REASON_FLOW),
                  in_drop(served.in({.seq = 65537, .ack = 1, .length = 100}), DW_REASON_TCP_WINDOW),
                  in_accept(served.in({.seq = 1, .ack = 1, .length = 1000}), DW_REASON_FLOW),
                  in_drop(served.in({.seq = 0u - 3000, .ack = 1, .length = 100}), DW_REASON_TCP_WINDOW)}});
    all.push_back(
        {"R24", "an acknowledgement of what was never sent is dropped",
         up + std::vector<Step>{out_accept(served.out({.seq = 1, .ack = 1, .length = 1000}), DW_REASON_FLOW),
                                in_accept(served.in({.seq = 1, .ack = 1001}), DW_REASON_FLOW),
                                in_drop(served.in({.seq = 1, .ack = 1002}), DW_REASON_TCP_WINDOW),
                                in_drop(served.in({.seq = 1, .ack = 0u - 70000}), DW_REASON_TCP_WINDOW)}});
    all.push_back(
        {"R24", "segments out of order, sent again, and probes of a closed window pass",
         up + std::vector<Step>{in_accept(served.in({.seq = 1461, .ack = 1, .length = 1460}), DW_REASON_FLOW),
                                in_accept(served.in({.seq = 1, .ack = 1, .length = 1460}), DW_REASON_FLOW),
                                in_accept(served.in({.seq = 1, .ack = 1, .length = 1460}), DW_REASON_FLOW),
                                out_accept(served.out({.seq = 1, .ack = 2921, .window = 0}), DW_REASON_FLOW),
                                in_accept(served.in({.seq = 2920, .ack = 1}), DW_REASON_FLOW),
                                in_accept(served.in({.seq = 2920, .ack = 1, .length = 1}), DW_REASON_FLOW)}});
    all.push_back(
        {"R24",
         "the window scale of the SYNs counts [REC-32]",
         {in_accept(served.in({.flags = kSyn, .scale = 7}), DW_REASON_RULE_ACCEPT),
          out_accept(served.out({.flags = kSyn | kAck, .ack = 1, .scale = 7}), DW_REASON_FLOW),
          in_accept(served.in({.seq = 1, .ack = 1}), DW_REASON_FLOW),
          out_accept(served.out({.seq = 1, .ack = 1, .window = 8192}), DW_REASON_FLOW),
          in_accept(served.in({.seq = 1 + 8192 * 128, .ack = 1, .length = 100}), DW_REASON_FLOW),
          in_drop(served.in({.seq = 2 + 8192 * 128, .ack = 1, .length = 100}), DW_REASON_TCP_WINDOW)}});
    all.push_back({"R24",
                   "one side's scale alone does not count",
                   {in_accept(served.in({.flags = kSyn, .scale = 7}), DW_REASON_RULE_ACCEPT),
                    out_accept(served.out({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
                    in_accept(served.in({.seq = 1, .ack = 1}), DW_REASON_FLOW),
                    in_accept(served.in({.seq = 1 + 65535, .ack = 1, .length = 100}), DW_REASON_FLOW),
                    in_drop(served.in({.seq = 2 + 65535, .ack = 1, .length = 100}), DW_REASON_TCP_WINDOW)}});
    const Talk round{.inside_isn = 0xfffffff0, .outside_isn = 0xffffff00};
    all.push_back(
        {"R24", "sequence numbers go round",
         round.opened_from_outside() +
             std::vector<Step>{
                 in_accept(round.in({.seq = 1, .ack = 1, .length = 1000}), DW_REASON_FLOW),
                 out_accept(round.out({.seq = 1, .ack = 1001, .length = 1000}), DW_REASON_FLOW),
                 in_accept(round.in({.seq = 1001, .ack = 1001, .length = 10}), DW_REASON_FLOW),
                 in_drop(round.in({.seq = 70000, .ack = 1001, .length = 10}), DW_REASON_TCP_WINDOW)}});
    all.push_back({"R24",
                   "a RST of our side that answers an older connection does not end the new one",
                   {out_accept(asked.out({.flags = kSyn}), DW_REASON_DEFAULT_ACCEPT),
                    in_accept(asked.in({.seq = 99, .ack = 0x50000000}), DW_REASON_FLOW),
                    out_accept(asked.out({.flags = kRst, .seq = 0x50000000}), DW_REASON_FLOW),
                    in_accept(asked.in({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
                    out_accept(asked.out({.seq = 1, .ack = 1}), DW_REASON_FLOW), Wait{3600},
                    in_accept(asked.in({.seq = 1, .ack = 1}), DW_REASON_FLOW)}});
    const Packet request =
        Ethernet{} / Ipv4{.src = "100.64.0.2", .dst = "198.51.100.1"} / Tcp{.sport = 5, .dport = 80};
    all.push_back(
        {"R24",
         "IPv4 segments get the same checks",
         {out_accept(request, DW_REASON_DEFAULT_ACCEPT),
          in_drop(Ethernet{} / Ipv4{} / Tcp{.sport = 80, .dport = 5, .flags = kSyn | kAck, .ack = 7},
                  DW_REASON_TCP_WINDOW),
          in_accept(Ethernet{} / Ipv4{} / Tcp{.sport = 80, .dport = 5, .flags = kSyn | kAck, .ack = 1001},
                    DW_REASON_FLOW)}});
}

}  // namespace dishwall::test
