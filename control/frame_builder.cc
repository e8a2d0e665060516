// SPDX-License-Identifier: BSD-3-Clause
#include "control/frame_builder.h"

#include <netinet/in.h>

#include <span>

#include "dataplane/replay/checksum.h"

namespace dishwall {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr MacAddress kOtherEnd{0x02, 0x00, 0x5e, 0x00, 0x53, 0x01};
constexpr std::uint8_t kHopLimit = 64;
constexpr std::uint8_t kOnLinkHopLimit = 255;  // RFC 4861: discovery is not believed with less
constexpr std::uint16_t kEchoIdentifier = 0x6477;

void put16(Bytes* bytes, unsigned value) {
    bytes->push_back(static_cast<std::uint8_t>(value >> 8));
    bytes->push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes* bytes, std::uint32_t value) {
    put16(bytes, value >> 16);
    put16(bytes, value & 0xffff);
}

void put_address(Bytes* bytes, const Ipv6Address& address) {
    for (const std::uint64_t word : {address.hi, address.lo}) {
        put32(bytes, static_cast<std::uint32_t>(word >> 32));
        put32(bytes, static_cast<std::uint32_t>(word));
    }
}

bool is_discovery(const PacketSpec& packet) {
    return packet.proto == IPPROTO_ICMPV6 && packet.icmp_type >= 133 && packet.icmp_type <= 137;
}

Bytes tcp_header(const PacketSpec& packet) {
    Bytes header;
    put16(&header, packet.source_port);
    put16(&header, packet.destination_port);
    put32(&header, 1);  // sequence number
    put32(&header, (packet.tcp_flags & 16) != 0 ? 1 : 0);
    header.push_back(5 << 4);
    header.push_back(packet.tcp_flags);
    put16(&header, 65535);  // window
    put32(&header, 0);      // checksum, urgent pointer
    return header;
}

Bytes udp_header(const PacketSpec& packet) {
    Bytes header;
    put16(&header, packet.source_port);
    put16(&header, packet.destination_port);
    put16(&header, 8);
    put16(&header, 0);
    return header;
}

Bytes sctp_header(const PacketSpec& packet) {
    Bytes header;
    put16(&header, packet.source_port);
    put16(&header, packet.destination_port);
    header.resize(12 + 20);  // common header and an INIT chunk's room
    header[12] = 1;          // INIT
    header[15] = 20;
    return header;
}

// Enough body for the longest fixed part that any of the types has (a redirect's).
Bytes icmp_header(const PacketSpec& packet) {
    Bytes header(40);
    header[0] = packet.icmp_type;
    if (packet.icmp_type == 128 || packet.icmp_type == 129) {
        header[4] = kEchoIdentifier >> 8;
        header[5] = kEchoIdentifier & 0xff;
        header[7] = 1;
    }
    return header;
}

// RFC 8200, 8.1: over the pseudo-header and the payload, whose checksum field is still zero.
std::uint16_t checksum(const PacketSpec& packet, std::span<const std::uint8_t> payload) {
    Bytes pseudo;
    put_address(&pseudo, packet.source);
    put_address(&pseudo, packet.destination);
    put32(&pseudo, static_cast<std::uint32_t>(payload.size()));
    put32(&pseudo, packet.proto);
    return internet_checksum({pseudo, payload});
}

void set_checksum(const PacketSpec& packet, Bytes* payload, std::size_t offset) {
    std::uint16_t sum = checksum(packet, *payload);
    if (packet.proto == IPPROTO_UDP && sum == 0) sum = 0xffff;
    (*payload)[offset] = static_cast<std::uint8_t>(sum >> 8);
    (*payload)[offset + 1] = static_cast<std::uint8_t>(sum);
}

// SCTP's CRC32c (RFC 9260, 6.8), stored least significant byte first.
void set_crc32c(Bytes* payload) {
    std::uint32_t crc = ~0u;
    for (const std::uint8_t byte : *payload) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    crc = ~crc;
    for (std::size_t i = 0; i < 4; ++i) (*payload)[8 + i] = static_cast<std::uint8_t>(crc >> (8 * i));
}

Bytes transport(const PacketSpec& packet) {
    Bytes payload;
    switch (packet.proto) {
        case IPPROTO_TCP:
            payload = tcp_header(packet);
            set_checksum(packet, &payload, 16);
            return payload;
        case IPPROTO_UDP:
            payload = udp_header(packet);
            set_checksum(packet, &payload, 6);
            return payload;
        case IPPROTO_ICMPV6:
            payload = icmp_header(packet);
            set_checksum(packet, &payload, 2);
            return payload;
        case IPPROTO_SCTP:
            payload = sctp_header(packet);
            set_crc32c(&payload);
            return payload;
        default:
            return Bytes(32);
    }
}

}  // namespace

Bytes build_frame(const PacketSpec& packet, const MacAddress& own) {
    const bool inbound = packet.direction == Direction::inbound;
    const Bytes payload = transport(packet);
    Bytes frame;
    for (const MacAddress& mac : {inbound ? own : kOtherEnd, inbound ? kOtherEnd : own})
        frame.insert(frame.end(), mac.begin(), mac.end());
    put16(&frame, 0x86dd);
    put32(&frame, 6u << 28);
    put16(&frame, static_cast<unsigned>(payload.size()));
    frame.push_back(packet.proto);
    frame.push_back(is_discovery(packet) ? kOnLinkHopLimit : kHopLimit);
    put_address(&frame, packet.source);
    put_address(&frame, packet.destination);
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}

}  // namespace dishwall
