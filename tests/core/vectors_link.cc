// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {

namespace {

Packet advertisement(const std::string& from, std::uint16_t lifetime = 1800) {
    return Ethernet{} / Ipv6{.src = from, .dst = "ff02::1", .hop_limit = 255} /
           Icmp{.type = 134, .id = 0x4000, .seq = lifetime} / Payload{Bytes(8)};
}

constexpr std::uint8_t kHigh = 0x08, kLow = 0x18;  // RFC 4191 2.2

Packet preferred(const std::string& from, std::uint8_t flags) {
    return Ethernet{} / Ipv6{.src = from, .dst = "ff02::1", .hop_limit = 255} /
           Icmp{.type = 134, .id = static_cast<std::uint16_t>(0x4000 | flags), .seq = 1800} /
           Payload{Bytes(8)};
}

// With an option that says that this prefix is on the link (3), or behind the router (24).
Packet claiming(const std::string& from, std::uint8_t kind, std::uint8_t length, const std::string& prefix) {
    Bytes data(8);
    Bytes option = {kind, 4, length, 0xc0};
    option.resize(kind == 3 ? 16 : 8);
    const Bytes address = (Ethernet{} / Ipv6{.src = prefix}).bytes();
    option.insert(option.end(), address.begin() + 22, address.begin() + 38);
    option.resize(32);
    data.insert(data.end(), {1, 1, 2, 0, 0, 0, 0, 9});  // its link-layer address, first
    data.insert(data.end(), option.begin(), option.end());
    return Ethernet{} / Ipv6{.src = from, .dst = "ff02::1", .hop_limit = 255} /
           Icmp{.type = 134, .id = 0x4000, .seq = 1800} / Payload{data};
}

Packet solicitation(const std::string& from) {
    return Ethernet{} / Ipv6{.src = from, .dst = "ff02::1:ff00:1", .hop_limit = 255} /
           Icmp{.type = 135, .seq = 0} / Payload{Bytes(16)};
}

}  // namespace

void add_link_vectors(std::vector<Vector>& all) {
    all.push_back(
        {"R18",
         "discovery with hop limit 255 reaches this box",
         {in_accept(from_to(kRouter, kBoxLinkLocal, 255) / Icmp{.type = 135} / Payload{Bytes(16)},
                    DW_REASON_NEIGHBOUR),
          in_accept(from_to(kRouter, "ff02::1:ff00:1", 255) / Icmp{.type = 135} / Payload{Bytes(16)},
                    DW_REASON_NEIGHBOUR),
          in_accept(from_to("::", "ff02::1:ff00:1", 255) / Icmp{.type = 135} / Payload{Bytes(16)},
                    DW_REASON_NEIGHBOUR),
          in_accept(from_to(kRouter, "ff02::1", 255) / Icmp{.type = 134} / Payload{Bytes(8)},
                    DW_REASON_ROUTER)}});
    all.push_back({"R2",
                   "discovery for nobody: the address :: is not this box's",
                   {in_drop(from_to(kRouter, "::", 255) / Icmp{.type = 135} / Payload{Bytes(16)},
                            DW_REASON_LINK_LOCAL_CROSSING),
                    in_drop(from_to(kPeer, "::") / Tcp{.dport = 22}, DW_REASON_DESTINATION_BOGON)}});
    all.push_back(
        {"R18",
         "discovery from beyond the link is forged",
         {in_drop(from_to(kRouter, kBoxLinkLocal, 64) / Icmp{.type = 135} / Payload{Bytes(16)},
                  DW_REASON_ND_INVALID),
          in_drop(from_to(kRouter, "ff02::1", 254) / Icmp{.type = 134} / Payload{Bytes(8)},
                  DW_REASON_ND_INVALID),
          in_drop(from_to(kRouter, "ff02::1", 255) / Icmp{.type = 134, .code = 1}, DW_REASON_ND_INVALID)}});
    all.push_back({"R18",
                   "redirects are dropped",
                   {in_drop(from_to(kRouter, kBoxLinkLocal, 255) / Icmp{.type = 137} / Payload{Bytes(32)},
                            DW_REASON_REDIRECT)}});
    all.push_back({"R18",
                   "MLD only from a link-local source",
                   {in_accept(from_to(kRouter, "ff02::1", 1) / Extension{.kind = 0} / Icmp{.type = 130} /
                                  Payload{Bytes(16)},
                              DW_REASON_MLD),
                    in_drop(from_to(kPeer, "ff02::1", 1) / Icmp{.type = 130} / Payload{Bytes(16)},
                            DW_REASON_ND_INVALID)}});
    all.push_back({"R21",
                   "a router advertisement needs a link-local source",
                   {in_drop(from_to(kPeer, "ff02::1", 255) / Icmp{.type = 134} / Payload{Bytes(8)},
                            DW_REASON_ND_INVALID)}});
    all.push_back(
        {"language",
         "discovery and membership reports of this box leave",
         {out_accept(from_to(kBoxLinkLocal, "ff02::2", 255) / Icmp{.type = 133}, DW_REASON_ROUTER),
          out_accept(from_to(kBoxLinkLocal, kRouter, 255) / Icmp{.type = 136} / Payload{Bytes(16)},
                     DW_REASON_NEIGHBOUR),
          out_accept(from_to("::", "ff02::16", 1) / Extension{.kind = 0} / Icmp{.type = 143}, DW_REASON_MLD),
          out_drop(from_to(kLaptop, "ff02::2", 255) / Icmp{.type = 133}, DW_REASON_MULTICAST)}});
    const Step learnt = in_accept(advertisement(kRouter), DW_REASON_ROUTER);
    all.push_back({"R21",
                   "a second router is believed and reported, a third is not",
                   {learnt, in_accept(advertisement("fe80::2"), DW_REASON_SECOND_ROUTER),
                    in_drop(advertisement("fe80::3"), DW_REASON_ROGUE_ROUTER),
                    in_drop(advertisement("fe80::3", 0), DW_REASON_ROGUE_ROUTER), learnt,
                    in_accept(advertisement("fe80::2"), DW_REASON_SECOND_ROUTER)}});
    all.push_back({"R21",
                   "a router is forgotten after its lifetime, and a new one takes its place",
                   {learnt, in_accept(advertisement("fe80::2"), DW_REASON_SECOND_ROUTER), Wait{1700},
                    in_accept(advertisement("fe80::2"), DW_REASON_SECOND_ROUTER),
                    in_drop(advertisement("fe80::3"), DW_REASON_ROGUE_ROUTER), Wait{200},
                    in_accept(advertisement("fe80::3"), DW_REASON_SECOND_ROUTER),
                    in_drop(advertisement(kRouter), DW_REASON_ROGUE_ROUTER)}});
    all.push_back({"R21",
                   "a router that says goodbye makes room a minute later",
                   {learnt, in_accept(advertisement("fe80::2"), DW_REASON_SECOND_ROUTER),
                    in_accept(advertisement("fe80::2", 0), DW_REASON_SECOND_ROUTER),
                    in_drop(advertisement("fe80::3"), DW_REASON_ROGUE_ROUTER), Wait{61},
                    in_accept(advertisement("fe80::3"), DW_REASON_SECOND_ROUTER)}});
    all.push_back(
        {"R37",
         "a second router may not call itself better than the first, not when it comes and not later",
         {in_accept(advertisement("fe80::1"), DW_REASON_ROUTER),
          in_drop(preferred("fe80::2", kHigh), DW_REASON_ROGUE_ROUTER),
          in_accept(preferred("fe80::2", kLow), DW_REASON_SECOND_ROUTER),
          in_accept(advertisement("fe80::2"), DW_REASON_SECOND_ROUTER),
          in_drop(preferred("fe80::2", kHigh), DW_REASON_ROGUE_ROUTER),
          in_accept(preferred("fe80::1", kHigh), DW_REASON_ROUTER),
          in_accept(preferred("fe80::2", kHigh), DW_REASON_SECOND_ROUTER)}});
    all.push_back({"R37",
                   "the first router may, and whoever is first when it has gone",
                   {in_accept(preferred("fe80::1", kLow), DW_REASON_ROUTER),
                    in_drop(advertisement("fe80::2"), DW_REASON_ROGUE_ROUTER), Wait{1801},
                    in_accept(preferred("fe80::2", kHigh), DW_REASON_ROUTER)}});
    all.push_back(
        {"R6",
         "an advertisement that takes an assigned network of ours is not believed, whoever sends it",
         {in_drop(claiming(kRouter, 3, 64, "2001:db8:aa00:1::"), DW_REASON_ROGUE_ROUTER),
          in_drop(claiming(kRouter, 3, 128, "2001:db8:aa00:1::10"), DW_REASON_ROGUE_ROUTER),
          in_drop(claiming(kRouter, 24, 64, "2001:db8:aa00:1::"), DW_REASON_ROGUE_ROUTER),
          in_accept(claiming(kRouter, 3, 64, "2001:db8:aa00:77::"), DW_REASON_ROUTER),
          in_accept(claiming(kRouter, 3, 48, "2001:db8:aa00:1::"), DW_REASON_ROUTER),
          in_accept(claiming(kRouter, 3, 64, "2001:db8:2::"), DW_REASON_ROUTER),
          in_accept(claiming(kRouter, 3, 64, "2001:db8:0:1::"), DW_REASON_ROUTER)}});  // the link's own
    std::string with_subnet_0 = kWorldRules;
    with_subnet_0.insert(with_subnet_0.find("host nas"), "network whole = dish.pd subnet 0\n");
    Own proxied = world_own();
    proxied.prefixes.push_back({*parse_prefix("2001:db8:dd00:7::/64"), 0, DW_PREFIX_PREFERRED, false});
    all.push_back(
        {"R6",
         "a prefix that is one network may be advertised: link and LAN share it where there is a proxy",
         {Load{with_subnet_0}, proxied,
          in_accept(claiming(kRouter, 3, 64, "2001:db8:dd00:7::"), DW_REASON_ROUTER),
          in_drop(claiming(kRouter, 3, 64, "2001:db8:aa00::"), DW_REASON_ROGUE_ROUTER)}});
    all.push_back(
        {"R21",
         "an advertisement is whole, and comes from a proper link-local address",
         {in_drop(Ethernet{} / Ipv6{.src = kRouter, .dst = "ff02::1", .hop_limit = 255} / Icmp{.type = 134},
                  DW_REASON_ND_INVALID),
          in_drop(advertisement("fe80:1::1"), DW_REASON_ND_INVALID),
          in_drop(advertisement("fe80::"), DW_REASON_ND_INVALID)}});
    all.push_back(
        {"R37", "a router may advertise itself once a second",
         times(6, learnt) + std::vector<Step>{in_drop(advertisement(kRouter), DW_REASON_LINK_LIMIT),
                                              in_accept(advertisement("fe80::2"), DW_REASON_SECOND_ROUTER),
                                              Wait{1}, learnt,
                                              in_drop(advertisement(kRouter), DW_REASON_LINK_LIMIT)}});
    all.push_back({"R37", "one neighbour's solicitations are limited, the others' and the router's are not",
                   std::vector<Step>{learnt} +
                       times(20, in_accept(solicitation("fe80::9"), DW_REASON_NEIGHBOUR)) +
                       std::vector<Step>{in_drop(solicitation("fe80::9"), DW_REASON_LINK_LIMIT),
                                         in_accept(solicitation("fe80::a"), DW_REASON_NEIGHBOUR),
                                         in_accept(solicitation(kRouter), DW_REASON_NEIGHBOUR), Wait{1},
                                         in_accept(solicitation("fe80::9"), DW_REASON_NEIGHBOUR)}});
    std::vector<Step> strangers = {learnt};
    for (unsigned i = 0; i < 100; ++i)
        strangers.push_back(in_accept(solicitation("fe80::1:" + std::to_string(i)), DW_REASON_NEIGHBOUR));
    all.push_back({"R37", "all neighbours together are limited, the router is not",
                   strangers + std::vector<Step>{in_drop(solicitation("fe80::2:1"), DW_REASON_LINK_LIMIT),
                                                 in_accept(solicitation(kRouter), DW_REASON_NEIGHBOUR)}});
    const Packet report = Ethernet{} / Ipv6{.src = "fe80::9", .dst = "ff02::16", .hop_limit = 1} /
                          Extension{.kind = 0} / Icmp{.type = 143} / Payload{Bytes(16)};
    all.push_back({"R37", "membership messages are limited",
                   times(20, in_accept(report, DW_REASON_MLD)) +
                       std::vector<Step>{in_drop(report, DW_REASON_LINK_LIMIT)}});
    const Packet advert = Ethernet{} / Ipv6{.src = "fe80::9", .dst = kBoxLinkLocal, .hop_limit = 255} /
                          Icmp{.type = 136, .id = 0x4000} / Payload{Bytes(16)};
    all.push_back({"R37", "neighbour advertisements are limited",
                   times(200, in_accept(advert, DW_REASON_NEIGHBOUR)) +
                       std::vector<Step>{in_drop(advert, DW_REASON_LINK_LIMIT)}});
    all.push_back(
        {"R37",
         "discovery that names no target, or a group, is malformed",
         {in_drop(from_to(kRouter, kBoxLinkLocal, 255) / Icmp{.type = 135} / Payload{Bytes(8)},
                  DW_REASON_ND_INVALID),
          in_drop(from_to(kRouter, kBoxLinkLocal, 255) / Icmp{.type = 136} / Payload{Bytes(16, 0xff)},
                  DW_REASON_ND_INVALID)}});
    all.push_back(
        {"R18",
         "inverse discovery and path messages only from the link",
         {in_accept(from_to(kRouter, kBoxLinkLocal, 255) / Icmp{.type = 141} / Payload{Bytes(8)},
                    DW_REASON_NEIGHBOUR),
          in_accept(from_to(kRouter, kBoxLinkLocal, 255) / Icmp{.type = 149} / Payload{Bytes(8)},
                    DW_REASON_ROUTER),
          in_drop(from_to(kRouter, kBoxLinkLocal, 64) / Icmp{.type = 142} / Payload{Bytes(8)},
                  DW_REASON_ND_INVALID),
          in_drop(from_to(kRouter, kBoxLinkLocal, 64) / Icmp{.type = 148} / Payload{Bytes(8)},
                  DW_REASON_ND_INVALID),
          in_drop(from_to(kPeer, kNas, 255) / Icmp{.type = 141} / Payload{Bytes(8)}, DW_REASON_ICMP_TYPE)}});
    const auto knock = [](const std::string& from, unsigned host) {
        return Ethernet{} / Ipv6{.src = from, .dst = "2001:db8:aa00:1::1:" + std::to_string(host)} /
               Tcp{.dport = 8000};
    };
    std::vector<Step> sweep;
    for (unsigned host = 0; host < 16; ++host)
        sweep.push_back(in_accept(knock("2001:db8:1::1", host), DW_REASON_RULE_ACCEPT));
    all.push_back(
        {"R38", "a sweep of a network is limited by source prefix, and another one may still knock",
         sweep + std::vector<Step>{in_drop(knock("2001:db8:1::1", 16), DW_REASON_UNKNOWN_NEIGHBOUR),
                                   in_drop(knock("2001:db8:1:ff::1", 17), DW_REASON_UNKNOWN_NEIGHBOUR),
                                   in_accept(knock("2001:db8:2::1", 18), DW_REASON_RULE_ACCEPT),
                                   in_accept(knock("2001:db8:1::1", 3), DW_REASON_FLOW),
                                   in_accept(from_to("2001:db8:7::1", kBox) / Tcp{.dport = 22},
                                             DW_REASON_RULE_ACCEPT),
                                   Wait{1}, in_accept(knock("2001:db8:1::1", 16), DW_REASON_RULE_ACCEPT)},
         true});
    std::vector<Step> storm;
    for (unsigned source = 0; source < 64; ++source)
        storm.push_back(in_accept(knock("2001:db8:" + std::to_string(1000 + source) + "::1", source),
                                  DW_REASON_RULE_ACCEPT));
    all.push_back(
        {"R38", "all sources together wake no more strangers than the neighbour table bears",
         storm + std::vector<Step>{in_drop(knock("2001:db8:2000::1", 200), DW_REASON_UNKNOWN_NEIGHBOUR)},
         true});
}

}  // namespace dishwall::test
