// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/built_in.h"

#include <netinet/in.h>

#include <algorithm>

namespace dishwall::import {
namespace {

// Errors, echo replies, MLD, neighbour and router discovery, and types that are only meant for a link.
std::bitset<256> types_without_rules() {
    std::bitset<256> types;
    for (const unsigned type :
         {1, 2, 3, 4, 129, 130, 131, 132, 133, 134, 135, 136, 137, 141, 142, 143, 148, 149, 151, 152, 153})
        types.set(type);
    return types;
}

bool is_only(const std::bitset<256>& protocols, unsigned protocol) {
    return protocols == std::bitset<256>().set(protocol);
}

bool is_one_port(const Ports& ports, std::uint16_t port) {
    return ports.ranges().size() == 1 && ports.ranges()[0].first == port && ports.ranges()[0].last == port;
}

bool is_to_groups(const End& end) {
    const Ipv6Prefix groups = Ipv6Prefix::containing({0xffull << 56, 0}, 8);
    return end.in && std::ranges::all_of(*end.in, [&](const Ipv6Prefix& one) {
               return one.length() >= 8 && groups.contains(one.first());
           });
}

bool is_dhcpv6(Path path, const Condition& accept) {
    if (!is_self(path) || !is_only(accept.protocols, IPPROTO_UDP)) return false;
    return is_one_port(accept.destination_ports, is_inbound(path) ? 546 : 547);
}

}  // namespace

std::optional<BuiltIn> take_built_in(Path path, Condition* accept) {
    if (is_only(accept->protocols, IPPROTO_ICMPV6) && !accept->icmp_types.all()) {
        accept->icmp_types &= ~types_without_rules();
        if (accept->icmp_types.none())
            return BuiltIn{.why = "built in: discovery on the link, and errors and replies for known flows"};
    }
    if (is_dhcpv6(path, *accept)) return BuiltIn{.why = "built in: DHCPv6 of this machine"};
    if (is_to_groups(accept->to))
        return BuiltIn{
            ImportRemark::Kind::left_out,
            "multicast: of the line's, dishwall lets discovery and listener reports pass, and nothing "
            "else"};
    return std::nullopt;
}

}  // namespace dishwall::import
