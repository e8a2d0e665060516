// SPDX-License-Identifier: BSD-3-Clause
#include "control/frame_text.h"

#include <fmt/format.h>
#include <net/ethernet.h>

#include <optional>

#include "dataplane/replay/frame_parts.h"
#include "control/packet_json.h"
#include "control/packet_text.h"

namespace dishwall {
namespace {

using Frame = std::span<const std::uint8_t>;

dw_in6 words_of(const Ipv6Address& address) { return {address.hi, address.lo}; }

// Nothing: explain's form has no words for it.
std::optional<PacketSpec> spec_of(Frame frame, const FrameParts& parts, Direction direction) {
    if (parts.family != 6 || parts.l4 == 0 || parts.fragment) return std::nullopt;
    PacketSpec packet;
    packet.direction = direction;
    packet.proto = parts.proto;
    packet.source = parts.source;
    packet.destination = parts.destination;
    if (has_ports(parts.proto)) {
        if (parts.l4 + 4 > frame.size()) return std::nullopt;
        packet.source_port = read16(frame, parts.l4);
        packet.destination_port = read16(frame, parts.l4 + 2);
    }
    if (parts.proto == IPPROTO_TCP) {
        if (parts.l4 + 14 > frame.size()) return std::nullopt;
        packet.tcp_flags = frame[parts.l4 + 13] & 0x3f;
    }
    if (parts.proto == IPPROTO_ICMPV6) {
        if (parts.l4 + 1 > frame.size()) return std::nullopt;
        packet.icmp_type = frame[parts.l4];
    }
    return packet;
}

std::string l4_text(Frame frame, const FrameParts& parts) {
    if (parts.later) return " (later fragment)";
    if (!has_ports(parts.proto) || parts.l4 == 0 || parts.l4 + 4 > frame.size()) return "";
    return fmt::format(" port {} > {}", read16(frame, parts.l4), read16(frame, parts.l4 + 2));
}

}  // namespace

std::string frame_text(Frame frame, Direction direction) {
    const FrameParts parts = parts_of(frame);
    if (const auto packet = spec_of(frame, parts, direction)) return to_string(*packet);
    const char* way = direction == Direction::inbound ? "in" : "out";
    if (parts.family != 0)
        return fmt::format("{} {} {} > {}{}{}", way, protocol_name(parts.proto),
                           address_text(words_of(parts.source)), address_text(words_of(parts.destination)),
                           l4_text(frame, parts), parts.fragment && !parts.later ? " (first fragment)" : "");
    if (parts.ethertype == ETHERTYPE_ARP) return fmt::format("{} ARP", way);
    return fmt::format("{} frame of ethertype {:#06x}, {} bytes", way, parts.ethertype, frame.size());
}

}  // namespace dishwall
