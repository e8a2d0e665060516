// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {

void add_fragment_vectors(std::vector<Vector>& all) {
    all.push_back(
        {"R10",
         "a first fragment with the whole chain is judged by its ports",
         {in_accept(from_to(kPeer, kNas) / Fragment{.more = true} / Tcp{} / Payload{Bytes(44)},
                    DW_REASON_RULE_ACCEPT),
          in_drop(from_to(kPeer, kNas) / Fragment{.more = true} / Tcp{.dport = 22} / Payload{Bytes(44)},
                  DW_REASON_DEFAULT_DROP)}});
    all.push_back({"R10",
                   "a first fragment without the whole chain is dropped",
                   {in_drop(Ethernet{} / Ipv6{.payload_length = 16} / Fragment{.more = true} / Tcp{},
                            DW_REASON_FRAGMENT_CHAIN),
                    in_drop(Ethernet{} / Ipv6{.payload_length = 16} / Fragment{.more = true} /
                                Extension{.units = 1} / Tcp{},
                            DW_REASON_FRAGMENT_CHAIN)}});
    all.push_back(
        {"N2",
         "the fragment header is eight bytes whatever its reserved byte says",
         {in_drop(from_to(kPeer, kNas) / Fragment{.reserved = 2} / Tcp{.dport = 22}, DW_REASON_DEFAULT_DROP),
          in_accept(from_to(kPeer, kNas) / Fragment{.reserved = 2} / Tcp{}, DW_REASON_RULE_ACCEPT)}});
    all.push_back(
        {"N3",
         "the payload of a later fragment is not read as ports",
         {in_drop(from_to(kPeer, kNas) / Fragment{.offset = 3} / Tcp{}, DW_REASON_FRAGMENT_STRAY)}});
    all.push_back(
        {"N6",
         "later fragments do not pass on purpose",
         {in_drop(from_to(kPeer, kLaptop) / Fragment{.offset = 185, .next = 17} / Payload{Bytes(64)},
                  DW_REASON_FRAGMENT_STRAY)}});
    all.push_back({"R11",
                   "an atomic fragment is handled alone",
                   {in_accept(from_to(kPeer, kNas) / Fragment{} / Tcp{}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"R11",
                   "neighbour discovery in fragments is dropped",
                   {in_drop(from_to(kRouter, kBoxLinkLocal, 255) / Fragment{.more = true} /
                                Icmp{.type = 135} / Payload{Bytes(24)},
                            DW_REASON_ND_INVALID)}});
    all.push_back({"R11",
                   "a fragment inside a fragment is malformed",
                   {in_drop(from_to(kPeer, kNas) / Fragment{.more = true} / Fragment{.more = true} / Tcp{},
                            DW_REASON_FRAGMENT_BAD)}});
    const auto piece = [](std::uint16_t offset, bool more, std::size_t length, std::uint32_t id = 1) {
        return from_to(kPeer, kNas) / Fragment{.offset = offset, .more = more, .id = id, .next = 17} /
               Payload{Bytes(length)};
    };
    const auto first = [](std::uint32_t id = 1) {  // 48 bytes: six units
        return from_to(kPeer, kNas) / Fragment{.more = true, .id = id} / Udp{.length = 128} /
               Payload{Bytes(40)};
    };
    const Step opened = in_accept(first(), DW_REASON_RULE_ACCEPT);
    const auto passes = [&](const Packet& packet) { return in_accept(packet, DW_REASON_FRAGMENT); };
    all.push_back({"R10",
                   "later fragments pass by their first one",
                   {in_drop(piece(6, true, 40), DW_REASON_FRAGMENT_STRAY), opened, passes(piece(6, true, 40)),
                    passes(piece(11, false, 37)),
                    in_drop(from_to(kPeer, kLaptop) / Fragment{.offset = 6, .next = 17} / Payload{Bytes(8)},
                            DW_REASON_FRAGMENT_STRAY)}});
    all.push_back({"R10",
                   "a refused first fragment lets no later one in",
                   {in_drop(from_to(kPeer, kNas) / Fragment{.more = true} / Udp{.dport = 53, .length = 128} /
                                Payload{Bytes(40)},
                            DW_REASON_DEFAULT_DROP),
                    in_drop(piece(6, false, 40), DW_REASON_FRAGMENT_STRAY)}});
    all.push_back(
        {"R10",
         "what is whole is forgotten: its identification may be used again",
         {opened, passes(piece(6, false, 40)), in_drop(piece(6, false, 40), DW_REASON_FRAGMENT_STRAY),
          in_accept(first(), DW_REASON_FLOW), passes(piece(6, false, 40))}});
    all.push_back({"R10",
                   "after sixty seconds a datagram is given up",
                   {opened, Wait{59}, passes(piece(6, true, 40)), Wait{2},
                    in_drop(piece(11, false, 40), DW_REASON_FRAGMENT_STRAY)}});
    all.push_back(
        {"R10",
         "another identification or another sender is another datagram",
         {opened, in_drop(piece(6, false, 40, 2), DW_REASON_FRAGMENT_STRAY),
          in_drop(from_to("2001:db8:1::2", kNas) / Fragment{.offset = 6, .next = 17} / Payload{Bytes(40)},
                  DW_REASON_FRAGMENT_STRAY),
          passes(piece(6, false, 40))}});
    all.push_back(
        {"R10",
         "fragments of our own datagrams leave after their first one",
         {out_drop(from_to(kNas, kPeer) / Fragment{.offset = 6, .next = 17} / Payload{Bytes(8)},
                   DW_REASON_FRAGMENT_STRAY),
          out_accept(from_to(kNas, kPeer) / Fragment{.more = true} / Udp{.length = 56} / Payload{Bytes(40)},
                     DW_REASON_DEFAULT_ACCEPT),
          out_accept(from_to(kNas, kPeer) / Fragment{.offset = 6, .next = 17} / Payload{Bytes(8)},
                     DW_REASON_FRAGMENT)}});
    all.push_back(
        {"R11",
         "an overlap ends the datagram",
         {opened, passes(piece(6, true, 40)), in_drop(piece(10, true, 40), DW_REASON_FRAGMENT_OVERLAP),
          in_drop(piece(11, false, 40), DW_REASON_FRAGMENT_OVERLAP)}});
    all.push_back({"R11",
                   "so does a second first fragment, which could carry other ports",
                   {opened, in_drop(first(), DW_REASON_FRAGMENT_OVERLAP),
                    in_drop(piece(6, false, 40), DW_REASON_FRAGMENT_OVERLAP)}});
    all.push_back(
        {"R11",
         "an overlap with what came out of order",
         {opened, passes(piece(16, true, 40)), in_drop(piece(12, true, 40), DW_REASON_FRAGMENT_OVERLAP),
          in_drop(piece(6, true, 48), DW_REASON_FRAGMENT_OVERLAP)}});
    all.push_back(
        {"R11",
         "nothing lies behind the last fragment, and there is one end",
         {opened, passes(piece(11, false, 40)), in_drop(piece(16, true, 40), DW_REASON_FRAGMENT_OVERLAP),
          in_accept(first(2), DW_REASON_FLOW), passes(piece(6, true, 40, 2)),
          in_drop(piece(6, false, 8, 2), DW_REASON_FRAGMENT_OVERLAP)}});
    all.push_back(
        {"R11",
         "reordering with one hole at a time is followed",
         {opened, passes(piece(11, true, 40)), passes(piece(16, false, 40)), passes(piece(6, true, 40)),
          in_accept(first(2), DW_REASON_FLOW), passes(piece(16, false, 40, 2)),
          passes(piece(11, true, 40, 2)), passes(piece(6, true, 40, 2))}});
    all.push_back({"R11",
                   "a fragment that would make a second hole is dropped, and may come again",
                   {opened, passes(piece(11, true, 40)),
                    in_drop(piece(21, true, 40), DW_REASON_FRAGMENT_DISORDER), passes(piece(6, true, 40)),
                    passes(piece(21, true, 40)), passes(piece(16, true, 40)), passes(piece(26, false, 3))}});
    all.push_back({"R11",
                   "an atomic fragment is no part of a datagram with the same identification",
                   {opened, in_accept(from_to(kPeer, kNas) / Fragment{} / Udp{}, DW_REASON_FLOW),
                    passes(piece(6, false, 40))}});
    all.push_back(
        {"R11",
         "neighbour discovery in an atomic fragment is dropped too",
         {in_drop(from_to(kRouter, kBoxLinkLocal, 255) / Fragment{} / Icmp{.type = 135} / Payload{Bytes(16)},
                  DW_REASON_ND_INVALID)}});
    all.push_back(
        {"R12",
         "a fragment in the middle ends on a unit, and none reaches beyond 64 KiB",
         {in_drop(piece(6, true, 41), DW_REASON_FRAGMENT_BAD),
          in_drop(piece(6, true, 0), DW_REASON_FRAGMENT_BAD),
          in_drop(piece(8190, false, 40), DW_REASON_FRAGMENT_BAD),
          in_drop(from_to(kPeer, kNas) / Fragment{.more = true} / Udp{.length = 128} / Payload{Bytes(41)},
                  DW_REASON_FRAGMENT_BAD)}});
    std::vector<Step> flood = {opened};
    for (std::uint32_t id = 100; id < 400; ++id) flood.push_back(in_accept(first(id), DW_REASON_FLOW));
    all.push_back({"R39", "a hundred incomplete datagrams take no place from one that is on its way",
                   flood + std::vector<Step>{passes(piece(6, false, 40))}});
    const auto piece4 = [](std::uint16_t flags_offset, std::size_t length) {
        return Ethernet{} / Ipv4{.fragment = flags_offset} / Payload{Bytes(length), 17};
    };
    all.push_back(
        {"R10",
         "IPv4: fragments of a reply that was asked for",
         {in_drop(piece4(6, 40), DW_REASON_FRAGMENT_STRAY),
          out_accept(Ethernet{} / Ipv4{.src = "100.64.0.2", .dst = "198.51.100.1"} /
                         Udp{.sport = 50000, .dport = 53},
                     DW_REASON_DEFAULT_ACCEPT),
          in_accept(Ethernet{} / Ipv4{.fragment = 0x2000} / Udp{.sport = 53, .dport = 50000, .length = 88} /
                        Payload{Bytes(40)},
                    DW_REASON_FLOW),
          in_accept(piece4(6, 40), DW_REASON_FRAGMENT), in_drop(piece4(6, 40), DW_REASON_FRAGMENT_STRAY)}});
}

}  // namespace dishwall::test
