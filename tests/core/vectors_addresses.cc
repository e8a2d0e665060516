// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {

void add_address_vectors(std::vector<Vector>& all) {
    all.push_back({"R1",
                   "a multicast source is dropped [REC-1]",
                   {in_drop(from_to("ff02::1", kNas) / Tcp{}, DW_REASON_SOURCE_MULTICAST)}});
    all.push_back({"R1",
                   "multicast from inside with a multicast source is dropped [REC-1]",
                   {out_drop(from_to("ff0e::1", kPeer) / Udp{}, DW_REASON_SOURCE_MULTICAST)}});
    all.push_back({"R1",
                   "global and organisation-wide multicast is not forwarded [REC-2]",
                   {in_drop(from_to(kPeer, "ff0e::1") / Udp{}, DW_REASON_MULTICAST),
                    in_drop(from_to(kPeer, "ff08::1") / Udp{}, DW_REASON_MULTICAST),
                    out_drop(from_to(kNas, "ff05::2") / Udp{}, DW_REASON_MULTICAST)}});
    all.push_back(
        {"R1",
         "link multicast that is no link control stays out",
         {in_drop(from_to(kRouter, "ff02::fb") / Udp{.sport = 5353, .dport = 5353}, DW_REASON_MULTICAST)}});
    for (const char* bogon : {"::", "::1", "::ffff:c633:6401", "::c633:6401", "2001:10::1", "fec0::1",
                              "64:ff9b:1::1", "100::1", "5f00::1", "2001:1::4", "2001:2::1", "2001::1"})
        all.push_back({"R2",
                       std::string("forbidden source ") + bogon,
                       {in_drop(from_to(bogon, kNas) / Tcp{}, DW_REASON_SOURCE_BOGON)}});
    for (const char* fine :
         {"2001:1::1", "2001:3::1", "2001:4:112::1", "2001:20::1", "64:ff9b::1", "2600::1"})
        all.push_back({"R2",
                       std::string("global source ") + fine,
                       {in_accept(from_to(fine, kNas) / Tcp{}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"R2",
                   "forbidden destinations, both ways [REC-3]",
                   {in_drop(from_to(kPeer, "5f00::1") / Tcp{}, DW_REASON_DESTINATION_BOGON),
                    out_drop(from_to(kNas, "100::1") / Tcp{}, DW_REASON_DESTINATION_BOGON)}});
    all.push_back({"R3",
                   "nothing leaves with a source that is not ours [REC-5]",
                   {out_drop(from_to("2001:db8:dd00::1", kPeer) / Tcp{}, DW_REASON_SOURCE_NOT_OURS),
                    out_drop(from_to("2001:db8:0:1::99", kPeer) / Tcp{}, DW_REASON_SOURCE_NOT_OURS),
                    out_accept(from_to(kLaptop, kPeer) / Tcp{}, DW_REASON_DEFAULT_ACCEPT),
                    out_accept(from_to(kBox, kPeer) / Tcp{}, DW_REASON_DEFAULT_ACCEPT)}});
    all.push_back({"R4",
                   "nobody outside has one of our addresses [REC-6]",
                   {in_drop(from_to(kLaptop, kNas) / Tcp{}, DW_REASON_SOURCE_OWN),
                    in_drop(from_to("2001:db8:bb00:9::1", kNas) / Tcp{}, DW_REASON_SOURCE_OWN),
                    in_drop(from_to(kBox, kNas) / Tcp{}, DW_REASON_SOURCE_OWN)}});
    all.push_back({"R4",
                   "ULA and link-local never cross [REC-7]",
                   {in_drop(from_to("fd00::1", kNas) / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    in_drop(from_to(kRouter, kNas) / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    in_drop(from_to(kPeer, "fe80::77") / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    in_drop(from_to(kPeer, "fd00::7") / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    out_drop(from_to("fd00::7", kPeer) / Tcp{}, DW_REASON_LINK_LOCAL_CROSSING),
                    out_drop(from_to(kBoxLinkLocal, kPeer) / Udp{}, DW_REASON_LINK_LOCAL_CROSSING)}});
    all.push_back({"R4",
                   "source equal to destination is dropped",
                   {in_drop(from_to(kNas, kNas) / Tcp{}, DW_REASON_SOURCE_IS_DESTINATION)}});
    all.push_back({"R5",
                   "inside the delegation but in no assigned network",
                   {in_drop(from_to(kPeer, "2001:db8:aa00:2::10") / Tcp{}, DW_REASON_UNASSIGNED),
                    in_drop(from_to(kPeer, "2001:db8:aa00:ff::1") / Tcp{}, DW_REASON_UNASSIGNED),
                    out_drop(from_to(kNas, "2001:db8:aa00:2::10") / Tcp{}, DW_REASON_UNASSIGNED)}});
    all.push_back({"R6",
                   "neighbours on the dish segment are not behind us",
                   {in_drop(from_to(kPeer, "2001:db8:0:1::99") / Tcp{}, DW_REASON_NOT_OURS),
                    in_drop(from_to("2001:db8:0:1::99", kLaptop) / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
                    in_accept(from_to("2001:db8:0:1::99", kNas) / Tcp{}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"N8",
                   "the suffix alone does not open somebody else's prefix",
                   {in_drop(from_to(kPeer, "2001:db8:9900:1::10") / Tcp{}, DW_REASON_NOT_OURS)}});
    all.push_back({"R2",
                   "documentation prefixes are dropped unless the uplink allows them [REC-3]",
                   {Load{"version 1\nuplink dish { interface eth0; prefix pd from dhcpv6-pd }\n"
                         "network lan = dish.pd subnet 1\npolicy inbound on dish { accept tcp to lan }\n"},
                    in_drop(from_to("2001:db8:1::1", kNas) / Tcp{}, DW_REASON_SOURCE_BOGON),
                    in_drop(from_to("3fff::1", kNas) / Tcp{}, DW_REASON_SOURCE_BOGON),
                    in_drop(from_to("2600::1", kNas) / Tcp{}, DW_REASON_DESTINATION_BOGON)}});
    all.push_back({"R3",
                   "before any prefix is known nothing is forwarded [REC-5]",
                   {Own{.prefixes = {}, .self = world_own().self, .mac = kUplinkMac},
                    out_drop(from_to(kLaptop, kPeer) / Tcp{}, DW_REASON_SOURCE_NOT_OURS),
                    in_drop(from_to(kPeer, kNas) / Tcp{}, DW_REASON_NOT_OURS)}});
    all.push_back({"R30", "hosts answer on both live prefixes",
                   Talk{}.opened_from_outside() + Talk{.inside = kOldNas}.opened_from_outside()});
    all.push_back({"R31",
                   "nothing new for a withdrawn prefix",
                   {in_drop(from_to(kPeer, kGoneNas) / Tcp{}, DW_REASON_PREFIX_WITHDRAWN),
                    out_drop(from_to(kGoneNas, kPeer) / Tcp{}, DW_REASON_PREFIX_WITHDRAWN)}});
    Own withdrawn = world_own();
    withdrawn.prefixes[0].state = DW_PREFIX_GRACE;
    Own gone = world_own();
    gone.prefixes.erase(gone.prefixes.begin());
    const Talk talk;
    all.push_back(
        {"R31", "open flows live on in the grace period, then nothing passes at all",
         talk.opened_from_outside() +
             std::vector<Step>{
                 withdrawn, in_accept(talk.in({.seq = 1, .ack = 1}), DW_REASON_FLOW),
                 out_accept(talk.out({.seq = 1, .ack = 1}), DW_REASON_FLOW),
                 in_drop(Talk{.outside_port = 40001}.in({.flags = kSyn}), DW_REASON_PREFIX_WITHDRAWN), gone,
                 in_drop(talk.in({.seq = 1, .ack = 1}), DW_REASON_NOT_OURS),
                 out_drop(talk.out({.seq = 1, .ack = 1}), DW_REASON_SOURCE_NOT_OURS)}});
    all.push_back({"R40",
                   "frames for another MAC, or one host's packet in a frame for many, open nothing",
                   {in_drop(Ethernet{.dst = {2, 0, 0, 0, 0, 9}} / Ipv6{} / Tcp{}, DW_REASON_WRONG_MAC),
                    in_drop(Ethernet{.dst = {0x33, 0x33, 0, 0, 0, 1}} / Ipv6{} / Tcp{}, DW_REASON_WRONG_MAC),
                    in_drop(Ethernet{.dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} / Ipv6{} / Tcp{},
                            DW_REASON_WRONG_MAC),
                    in_accept(Ethernet{} / Ipv6{} / Tcp{}, DW_REASON_RULE_ACCEPT)}});
}

}  // namespace dishwall::test
