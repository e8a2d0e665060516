// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/random_policy.h"

#include <netinet/in.h>

namespace dishwall::test {
namespace {

constexpr std::uint16_t kPorts[] = {0,   1,    22,   25,   79,   80,   81,    443,
                                    444, 1023, 8000, 8080, 8100, 8101, 51820, 65535};
constexpr std::uint16_t kSubnets[] = {0, 1, 2, 0x10, 0xff};
constexpr std::uint64_t kInterfaceIds[] = {1, 2, 0x10, 0x11, 0xffffffffffffffff, 0x0211'22ff'fe33'4455};
constexpr std::uint32_t kLearntHosts[] = {1, 2, 0x7fff'ffff, 0xffff'ffff};
constexpr std::uint8_t kIcmpTypes[] = {128, 144, 145, 154, 160};
constexpr std::uint8_t kProtos[] = {6, 17, 132, 58, 50, 47, 77, 41};
constexpr const char* kPrefixes[] = {"2001:db8:1::/48",        "2001:db8:1:8000::/49",
                                     "2001:db8:1::/64",        "2001:db8:1::1/128",
                                     "2001:db8:2::/47",        "2600::/12",
                                     "2001:db8:aa00::/56",     "::/0",
                                     "2001:db8:aa00:1::10/128"};

}  // namespace

PortRanges RandomPolicy::ports() {
    PortRanges ranges;
    for (unsigned n = below(3); n > 0; --n) {
        const std::uint16_t a = kPorts[below(std::size(kPorts))];
        const std::uint16_t b = chance(50) ? a : kPorts[below(std::size(kPorts))];
        ranges.push_back({std::min(a, b), std::max(a, b)});
    }
    return ranges;
}

ProtocolMatch RandomPolicy::match() {
    ProtocolMatch match;
    if (chance(15)) return match;
    match.proto = kProtos[below(std::size(kProtos))];
    if (*match.proto == IPPROTO_TCP || *match.proto == IPPROTO_UDP || *match.proto == IPPROTO_SCTP)
        match.ports = ports();
    if (*match.proto == IPPROTO_ICMPV6 && chance(60))
        match.icmp_types = {kIcmpTypes[below(std::size(kIcmpTypes))]};
    return match;
}

// Two feeds, of which one has what many packets come from.
AddressElement RandomPolicy::in_feed() {
    static const auto entries = [](std::initializer_list<const char*> prefixes) {
        auto made = std::make_shared<FeedEntries>();
        for (const char* prefix : prefixes) made->prefixes.push_back(*parse_prefix(prefix));
        return std::shared_ptr<const FeedEntries>(std::move(made));
    };
    static const std::shared_ptr<const FeedEntries> feeds[] = {
        entries({"2001:db8:1::1/128", "2001:db8:1:8000::/50", "2001:db8:2::/48", "2600::/12"}),
        entries({"2001:db8:aa00:1::/64", "2400::/32", "2600::1/128"})};
    const unsigned feed = below(2);
    return InFeed{feed, feeds[feed]};
}

Rate RandomPolicy::rate() {
    constexpr std::uint8_t kLengths[] = {0, 1, 32, 48, 49, 63, 64, 65, 127, 128};
    Rate rate{1, 86400, 1 + below(3), std::nullopt};
    if (chance(70)) rate.per_source = kLengths[below(std::size(kLengths))];
    return rate;
}

AddressElement RandomPolicy::element() {
    if (chance(15)) return Self{};
    if (chance(45)) return *parse_prefix(kPrefixes[below(std::size(kPrefixes))]);
    if (chance(20)) return Learnt{kLearntHosts[below(std::size(kLearntHosts))]};
    if (chance(20)) return in_feed();
    Behind behind{below(2), std::nullopt, std::nullopt};
    if (chance(85)) behind.subnet = kSubnets[below(std::size(kSubnets))];
    if (behind.subnet && chance(60)) behind.interface_id = kInterfaceIds[below(std::size(kInterfaceIds))];
    return behind;
}

AddressSet RandomPolicy::address_set() {
    AddressSet set;
    if (chance(35)) return set;
    set.any = chance(25);
    if (!set.any)
        for (unsigned n = 1 + below(3); n > 0; --n) set.include.push_back(element());
    for (unsigned n = below(5) < 3 ? 0 : 1 + below(2); n > 0; --n) set.exclude.push_back(element());
    return set;
}

Rule RandomPolicy::rule(bool inbound, unsigned number) {
    Rule rule;
    constexpr dw_verdict kVerdicts[] = {DW_ACCEPT, DW_ACCEPT, DW_ACCEPT, DW_DROP,
                                        DW_DROP,   DW_AUDIT,  DW_REJECT, DW_REJECT_LATE};
    rule.verdict = kVerdicts[below(inbound ? 8 : 6)];
    for (unsigned n = 1 + below(2); n > 0; --n) rule.match.push_back(match());
    if (chance(15)) rule.from_ports = ports();
    rule.from = address_set();
    rule.to = address_set();
    rule.log = chance(10);
    if (limits_ && chance(25)) rule.rate = rate();
    if (rule.verdict == DW_ACCEPT && chance(5)) rule.inspect = Inspect{below(2), chance(50)};
    rule.endpoint_independent = !inbound && rule.verdict == DW_ACCEPT && chance(20);
    rule.name = (inbound ? "in" : "out") + std::to_string(number);
    rule.place = {FileName("random.conf"), number, 1};
    return rule;
}

Policy RandomPolicy::policy() {
    Policy policy;
    policy.uplink.name = "dish";
    policy.uplink.documentation_prefixes = true;
    policy.uplink.sources = {{"pd", FromDhcpv6Pd{}, {}}, {"pd2", FromDhcpv6Pd{}, {}}};
    policy.uplink.routing_headers = chance(10);
    policy.uplink.udp_without_checksum = chance(10);
    for (unsigned source = 0; source < 2; ++source)
        for (const std::uint16_t subnet : kSubnets)
            if (chance(80)) policy.networks.push_back({"n", source, subnet, "", {}});
    policy.signatures.resize(2);
    policy.signatures[0].id = 7;
    policy.signatures[1].id = 0xfff7;
    policy.signatures[1].both_directions = true;
    policy.inbound.default_verdict = chance(80) ? DW_DROP : DW_ACCEPT;
    policy.outbound.default_verdict = chance(80) ? DW_ACCEPT : DW_DROP;
    policy.inbound.log_sample = 1 + below(3);
    limits_ = chance(30);
    const unsigned most = chance(1) ? 2000 : 30;
    for (unsigned n = below(most), i = 0; i < n; ++i) policy.inbound.rules.push_back(rule(true, i));
    for (unsigned n = below(10), i = 0; i < n; ++i) policy.outbound.rules.push_back(rule(false, i));
    return policy;
}

Own RandomPolicy::own() {
    Own own;
    const dw_prefix_state states[] = {DW_PREFIX_PREFERRED, DW_PREFIX_DEPRECATED, DW_PREFIX_GRACE};
    for (const char* text :
         {"2001:db8:aa00::/56", "2001:db8:bb00::/56", "2001:db8:cc00::/60", "2001:db8:dd00::/48"})
        if (chance(70)) own.prefixes.push_back({*parse_prefix(text), below(2), states[below(10) / 4], false});
    own.self = {*parse_ipv6("fe80::1"), *parse_ipv6("2001:db8:0:1::2"), *parse_ipv6("2001:db8:aa00:1::1")};
    for (unsigned n = chance(50) ? below(40) : 0; n > 0; --n)
        own.learnt.push_back({chance(50) ? peer() : ours(own), kLearntHosts[below(std::size(kLearntHosts))]});
    tidy(&own.learnt);
    return own;
}

Ipv6Address RandomPolicy::peer() {
    const Ipv6Prefix prefix = *parse_prefix(kPrefixes[below(6)]);
    Ipv6Address address = chance(20) ? prefix.last() : prefix.first();
    if (address == prefix.first()) address.lo |= below(4);
    return address;
}

Ipv6Address RandomPolicy::ours(const Own& own) {
    if (own.prefixes.empty() || chance(10)) return own.self[1 + below(2)];
    const LivePrefix& live = own.prefixes[below(static_cast<unsigned>(own.prefixes.size()))];
    const std::uint64_t subnet = kSubnets[below(std::size(kSubnets))] & (~0ull >> live.prefix.length());
    return {live.prefix.first().hi | subnet, kInterfaceIds[below(std::size(kInterfaceIds))]};
}

Shot RandomPolicy::shot(const Own& own) {
    Shot shot;
    Query& query = shot.query;
    query.direction = chance(70) ? Direction::inbound : Direction::outbound;
    query.peer = peer();
    query.ours = ours(own);
    query.proto = kProtos[below(std::size(kProtos))];
    const bool inbound = query.direction == Direction::inbound;
    Packet packet = Ethernet{} / Ipv6{.src = to_string(inbound ? query.peer : query.ours),
                                      .dst = to_string(inbound ? query.ours : query.peer)};
    if (chance(20)) packet = packet / Extension{.kind = 60, .units = static_cast<std::uint8_t>(below(3))};
    if (chance(5)) packet = packet / Fragment{};
    const auto port = [&] {
        return chance(90) ? kPorts[below(std::size(kPorts))] : std::uint16_t(random_());
    };
    const bool ports =
        query.proto == IPPROTO_TCP || query.proto == IPPROTO_UDP || query.proto == IPPROTO_SCTP;
    if (ports) {
        query.source_port = port();
        query.destination_port = port();
    }
    if (query.proto == IPPROTO_TCP)
        packet = packet / Tcp{.sport = query.source_port, .dport = query.destination_port};
    else if (query.proto == IPPROTO_UDP)
        packet = packet / Udp{.sport = query.source_port, .dport = query.destination_port};
    else if (query.proto == IPPROTO_SCTP)
        packet = packet / Sctp{.sport = query.source_port, .dport = query.destination_port};
    else if (query.proto == IPPROTO_ICMPV6)
        packet = packet / Icmp{.type = query.icmp_type = kIcmpTypes[below(std::size(kIcmpTypes))],
                               .id = static_cast<std::uint16_t>(random_())};
    else
        packet = packet / Payload{Bytes(24), query.proto};
    shot.frame = packet.bytes();
    return shot;
}

Bytes RandomPolicy::mutate(Bytes frame) {
    for (unsigned n = 1 + below(4); n > 0; --n) {
        const unsigned at = chance(70) ? 12 + below(60) : below(static_cast<unsigned>(frame.size()));
        if (at < frame.size())
            frame[at] = static_cast<std::uint8_t>(chance(50) ? random_() : kProtos[below(8)]);
    }
    constexpr unsigned kLeast =
        14 + 40;  // BPF_PROG_TEST_RUN refuses an outgoing packet without its IP header
    if (chance(15)) frame.resize(kLeast + below(static_cast<unsigned>(frame.size()) - kLeast));
    return frame;
}

}  // namespace dishwall::test
