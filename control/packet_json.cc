// SPDX-License-Identifier: BSD-3-Clause
#include "control/packet_json.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include "rules/policy.h"

namespace dishwall {

std::string address_text(const dw_in6& address) {
    if (!is_ipv4(address)) return to_string(address_of(address));
    return fmt::format("{}.{}.{}.{}", address.lo >> 24 & 0xff, address.lo >> 16 & 0xff,
                       address.lo >> 8 & 0xff, address.lo & 0xff);
}

bool is_icmp(std::uint8_t proto) { return proto == IPPROTO_ICMPV6 || proto == IPPROTO_ICMP; }

std::string protocol_name(std::uint8_t proto) {
    switch (proto) {
        case IPPROTO_TCP:
            return "TCP";
        case IPPROTO_UDP:
            return "UDP";
        case IPPROTO_SCTP:
            return "SCTP";
        case IPPROTO_ICMPV6:
            return "ICMPv6";
        case IPPROTO_ICMP:
            return "ICMPv4";
        case IPPROTO_GRE:
            return "GRE";
        case IPPROTO_ESP:
            return "ESP";
        case IPPROTO_AH:
            return "AH";
        default:
            return fmt::format("proto-{}", proto);
    }
}

nlohmann::json ip_json(const dw_in6& source, const dw_in6& destination) {
    return {{"source", address_text(source)},
            {"destination", address_text(destination)},
            {"ipVersion", is_ipv4(source) && is_ipv4(destination) ? "IPv4" : "IPv6"}};
}

nlohmann::json l4_json(std::uint8_t proto, std::uint16_t source_port, std::uint16_t destination_port) {
    nlohmann::json details = nlohmann::json::object();
    if (has_ports(proto)) details = {{"source_port", source_port}, {"destination_port", destination_port}};
    return {{protocol_name(proto), details}};
}

}  // namespace dishwall
