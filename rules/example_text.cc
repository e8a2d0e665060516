// SPDX-License-Identifier: BSD-3-Clause
#include "rules/example_text.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <initializer_list>

#include "rules/names.h"

namespace dishwall {
namespace {

using Kind = Axis::Kind;

// One of the keys; those that read well come first.
Ipv6Address pick(const RangeSet& keys, std::initializer_list<Ipv6Address> preferred) {
    for (const Ipv6Address& key : preferred)
        if (keys.contains(key)) return key;
    const KeyRange& first = keys.ranges().front();
    // 2001:db8:7::1 rather than 2001:db8:7::, which is a router's anycast address.
    const bool dull = first.first.lo == 0 && first.first < first.last;
    return dull ? Ipv6Address{first.first.hi, 1} : first.first;
}

Ipv6Address pick_literal(const RangeSet& addresses) {
    const Ipv6Address example{0x20010db800000000, 1}, global{0x2000000000000000, 1};
    return pick(addresses, {example, global});
}

std::string name_of_network(const PacketSpace& space, const Ipv6Address& place) {
    const Policy& policy = space.policy();
    const auto source = static_cast<unsigned>(place.hi >> 16);
    const auto subnet = static_cast<std::uint16_t>(place.hi);
    for (const Network& network : policy.networks)
        if (network.source == source && network.subnet == subnet) return network.name;
    const PrefixSource& prefix = policy.uplink.sources[source];
    const std::string name = fmt::format("{}.{}", policy.uplink.name, prefix.name);
    const bool one_subnet = !std::holds_alternative<FromDhcpv6Pd>(prefix.from) && subnet == 0;
    return one_subnet ? name : fmt::format("{} subnet {:#x}", name, subnet);
}

// The host behind the line for which `is_it`, or nothing.
template <typename Predicate>
std::string name_of_host(const PacketSpace& space, Predicate is_it) {
    for (const NamedAddress& host : space.policy().hosts)
        for (const AddressElement& element : host.elements) {
            const auto* place = std::get_if<Behind>(&element);
            if (place && is_it(*place)) return host.name;
        }
    return {};
}

std::string name_of_place(const PacketSpace& space, const RangeSet& places) {
    const Ipv6Address key = pick(places, {});
    const std::string host = name_of_host(space, [&](const Behind& place) {
        return place.interface_id &&
               place_key(place.source, place.subnet.value_or(0), *place.interface_id) == key;
    });
    if (!host.empty()) return host;
    return fmt::format("{} {}", name_of_network(space, key), to_string(Ipv6Address{0, key.lo}));
}

std::string name_of_literal(const PacketSpace& space, const RangeSet& addresses) {
    const Ipv6Address address = pick_literal(addresses);
    const std::string host =
        name_of_host(space, [&](const Behind& place) { return space.literal_of(place) == address; });
    return host.empty() ? to_string(address) : host;
}

bool is_yes(const RangeSet& answers) { return !answers.contains({0, 0}); }

// The learnt host that the end is, or nothing.
std::string name_of_learnt(const PacketSpace& space, const Box& packets, End end) {
    for (const auto& [axis, values] : packets.entries()) {
        if (axis.end != end || (axis.kind != Kind::device && axis.kind != Kind::domain)) continue;
        const LearntHost* host = is_yes(*values) ? space.learnt(axis.number) : nullptr;
        if (host) return host->name;
    }
    return {};
}

std::string name_of_end(const PacketSpace& space, const Box& packets, End end) {
    const RangeSet& places = packets.values({Kind::place, end});
    const RangeSet& addresses = packets.values({Kind::address, end});
    std::string learnt = name_of_learnt(space, packets, end);
    if (!learnt.empty()) return learnt;
    const bool has_literal = !addresses.contains({}), has_place = !places.contains(kNowhere);
    if (is_yes(packets.values({Kind::self, end}))) {
        if (has_literal) return fmt::format("this box at {}", to_string(pick_literal(addresses)));
        return has_place ? "this box in " + name_of_network(space, pick(places, {})) : "this box";
    }
    if (has_place) return name_of_place(space, places);
    if (has_literal) return name_of_literal(space, addresses);
    // Some domain's address: the first that it may be.
    for (const LearntHost& host : space.policy().learnt) {
        if (!std::holds_alternative<DomainHost>(host.what)) continue;
        if (packets.values({Kind::domain, end, host.id}).contains({0, 1})) return host.name;
    }
    return "an address";
}

std::string name_of_proto(std::uint64_t proto) {
    if (proto == IPPROTO_TCP) return "tcp";
    if (proto == IPPROTO_UDP) return "udp";
    if (proto == IPPROTO_SCTP) return "sctp";
    return fmt::format("proto {}", proto);
}

}  // namespace

std::string example_of(const PacketSpace& space, const Box& packets) {
    const auto number = [](std::uint64_t value) { return Ipv6Address{0, value}; };
    const std::string from = name_of_end(space, packets, End::from),
                      to = name_of_end(space, packets, End::to);
    const RangeSet& protocols = packets.values({Kind::proto});
    const RangeSet& ports = packets.values({Kind::port});
    std::uint64_t proto = protocols.ranges().front().first.lo;
    for (const std::uint64_t usual : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP})
        if (protocols.contains(number(usual))) {
            proto = usual;
            break;
        }
    if (proto == IPPROTO_ICMPV6)
        return fmt::format("icmpv6 type {} from {} to {}", pick(ports, {number(128)}).lo, from, to);
    if (!has_ports(static_cast<std::uint8_t>(proto)))
        return fmt::format("{} from {} to {}", name_of_proto(proto), from, to);
    const RangeSet& senders = packets.values({Kind::sender_port});
    const auto plain = [](const RangeSet& set) { return set.ranges().front().first.lo; };
    const std::uint64_t port = ports.contains(number(0)) && ports.contains(number(1)) ? 1 : plain(ports);
    const std::uint64_t sender = senders.contains(number(1024)) ? 1024 : plain(senders);
    return fmt::format("{} from {} port {} to {} port {}", name_of_proto(proto), from, sender, to, port);
}

}  // namespace dishwall
