// SPDX-License-Identifier: BSD-3-Clause
//
// What a capture of an uplink holds, made by hand: frames with both ends' MAC addresses, and the messages
// that tell of the line.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "dataplane/replay/capture.h"
#include "rules/ipv6.h"
#include "tests/core/packet.h"

namespace dishwall::test {

inline constexpr Mac kRouterMac{0x02, 0, 0, 0, 0, 0x01};
inline constexpr std::int64_t kSecond_ns = 1'000'000'000;
inline constexpr std::int64_t kBegin_ns = 1'700'000'000 * kSecond_ns;

inline Bytes between(const Mac& from, const Mac& to, const Packet& packet) {
    Bytes bytes = packet.bytes();
    std::copy(to.begin(), to.end(), bytes.begin());
    std::copy(from.begin(), from.end(), bytes.begin() + 6);
    return bytes;
}
inline Bytes came_in(const Packet& packet) { return between(kRouterMac, kUplinkMac, packet); }
inline Bytes went_out(const Packet& packet) { return between(kUplinkMac, kRouterMac, packet); }

inline CapturedFrame captured(Bytes bytes, std::int64_t time_ns = kBegin_ns, std::uint64_t number = 1) {
    CapturedFrame frame;
    frame.number = number;
    frame.on_wire = static_cast<std::uint32_t>(bytes.size());
    frame.bytes = std::move(bytes);
    frame.parts = parts_of(frame.bytes);
    frame.time_ns = time_ns;
    return frame;
}

// ---- bytes, in network order

class Wire {
public:
    Wire& u8(unsigned value) {
        bytes_.push_back(static_cast<std::uint8_t>(value));
        return *this;
    }
    Wire& u16(unsigned value) { return u8(value >> 8).u8(value); }
    Wire& u32(std::uint32_t value) { return u16(value >> 16).u16(value); }
    Wire& u64(std::uint64_t value) {
        return u32(static_cast<std::uint32_t>(value >> 32)).u32(static_cast<std::uint32_t>(value));
    }
    Wire& address(const char* text) {
        const Ipv6Address address = parse_ipv6(text).value();
        return u64(address.hi).u64(address.lo);
    }
    Wire& add(const Wire& other) {
        bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
        return *this;
    }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] const Bytes& bytes() const { return bytes_; }

private:
    Bytes bytes_;
};

// ---- DHCPv6 (RFC 8415)

inline Wire dhcp_option(unsigned code, const Wire& content) {
    return Wire().u16(code).u16(static_cast<unsigned>(content.size())).add(content);
}
inline Wire delegation(const char* prefix, unsigned length, std::uint32_t preferred_s,
                       std::uint32_t valid_s) {
    const Wire iaprefix = dhcp_option(26, Wire().u32(preferred_s).u32(valid_s).u8(length).address(prefix));
    return dhcp_option(25, Wire().u32(1).u32(75).u32(120).add(iaprefix));
}
inline Wire assignment(const char* address, std::uint32_t preferred_s, std::uint32_t valid_s) {
    const Wire iaaddress = dhcp_option(5, Wire().address(address).u32(preferred_s).u32(valid_s));
    return dhcp_option(3, Wire().u32(1).u32(75).u32(120).add(iaaddress));
}
inline Packet dhcp_reply_packet(const Wire& options, unsigned type = 7, const char* client = "fe80::2") {
    const Wire message =
        Wire().u8(type).u8(0).u16(0x1234).add(dhcp_option(2, Wire().u64(1).u16(7))).add(options);
    return Ethernet{} / Ipv6{.src = "2001:db8:ffff::547", .dst = client} / Udp{.sport = 547, .dport = 546} /
           Payload{message.bytes()};
}
inline Bytes dhcp_reply(const Wire& options, unsigned type = 7) {
    return came_in(dhcp_reply_packet(options, type));
}
inline Bytes dhcp_solicit(const char* client = "fe80::2") {
    Bytes frame = went_out(Ethernet{} / Ipv6{.src = client, .dst = "ff02::1:2", .hop_limit = 1} /
                           Udp{.sport = 546, .dport = 547} / Payload{Wire().u8(1).u8(0).u16(0x1234).bytes()});
    constexpr Mac kServers{0x33, 0x33, 0, 1, 0, 2};
    std::copy(kServers.begin(), kServers.end(), frame.begin());
    return frame;
}

// ---- discovery (RFC 4861): a message whose first four bytes are type, code and checksum

inline Bytes discovery(const Mac& from, const char* source, const char* destination, unsigned type,
                       const Wire& body) {
    const Bytes& rest = body.bytes();  // Icmp writes an identifier and a sequence number first
    const auto word = [&](std::size_t at) {
        return static_cast<std::uint16_t>(rest[at] << 8 | rest[at + 1]);
    };
    const Ipv6Address to = parse_ipv6(destination).value();
    const Mac group{0x33,
                    0x33,
                    static_cast<std::uint8_t>(to.lo >> 24),
                    static_cast<std::uint8_t>(to.lo >> 16),
                    static_cast<std::uint8_t>(to.lo >> 8),
                    static_cast<std::uint8_t>(to.lo)};
    return between(from, group,
                   Ethernet{} / Ipv6{.src = source, .dst = destination, .hop_limit = 255} /
                       Icmp{.type = static_cast<std::uint8_t>(type), .id = word(0), .seq = word(2)} /
                       Payload{{rest.begin() + 4, rest.end()}});
}
inline Wire prefix_information(const char* prefix, std::uint32_t preferred_s, std::uint32_t valid_s,
                               unsigned flags = 0xc0, unsigned length = 64) {
    return Wire().u8(3).u8(4).u8(length).u8(flags).u32(valid_s).u32(preferred_s).u32(0).address(prefix);
}
inline Bytes advertisement(const Wire& options) {
    const Wire body = Wire().u8(64).u8(0).u16(1800).u32(0).u32(0).add(options);
    return discovery(kRouterMac, "fe80::1:1", "ff02::1", 134, body);
}
inline Bytes tries(const char* address) {
    return discovery(kUplinkMac, "::", "ff02::1:ff00:2", 135, Wire().u32(0).address(address));
}

}  // namespace dishwall::test
