// SPDX-License-Identifier: BSD-3-Clause
//
// Packets composed layer by layer, as they stand on the wire:
//
//   Ethernet{} / Ipv6{.src = "2001:db8:1::1", .dst = "2001:db8:aa00:1::10"} / Tcp{.dport = 443}
//
// Lengths, next headers and checksums are right unless a layer says otherwise; that is how the wrong ones
// are made on purpose.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace dishwall::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10, kUrg = 0x20;

using Mac = std::array<std::uint8_t, 6>;
inline constexpr Mac kUplinkMac{0x02, 0, 0, 0, 0, 0x02};

struct Ethernet {
    std::optional<std::uint16_t> type;
    Mac dst = kUplinkMac;
};
struct Vlan {
    std::uint16_t id = 7;
    std::uint16_t tpid = 0x8100;
};
struct Arp {};
struct Ipv6 {
    std::string src = "2001:db8:1::1";
    std::string dst = "2001:db8:aa00:1::10";
    std::uint8_t hop_limit = 64;
    std::uint8_t version = 6;
    std::optional<std::uint16_t> payload_length;
    std::optional<std::uint8_t> next;
};
struct Ipv4 {
    std::string src = "198.51.100.1";
    std::string dst = "100.64.0.2";
    std::uint8_t header_words = 5;
    std::uint16_t fragment = 0;  // flags and offset, as on the wire
    std::uint16_t id = 1;
    std::optional<std::uint16_t> length;
};
// Any extension header of the common form: hop-by-hop, destination options, routing, mobility, ...
struct Extension {
    std::uint8_t kind = 60;
    std::uint8_t units = 0;  // its length field: 8-byte units beyond the first (AH: 4-byte units minus 2)
    std::uint8_t type = 0;   // third byte: routing type
    std::optional<std::uint8_t> next;
};
struct Fragment {
    std::uint16_t offset = 0;  // in 8-byte units
    bool more = false;
    std::uint8_t reserved = 0;
    std::uint32_t id = 1;
    std::optional<std::uint8_t> next;
};
struct Tcp {
    std::uint16_t sport = 40000, dport = 443;
    std::uint8_t flags = kSyn;
    std::uint32_t seq = 1000, ack = 0;
    std::uint8_t offset = 5;
    std::uint16_t window = 65535;
    std::optional<std::uint8_t> scale;  // a window scale option; `offset` grows by one
    std::optional<std::uint16_t> checksum;
};
struct Udp {
    std::uint16_t sport = 40000, dport = 443;
    std::optional<std::uint16_t> length;
    std::optional<std::uint16_t> checksum;
};
struct Sctp {
    std::uint16_t sport = 40000, dport = 443;
};
// ICMPv6 under IPv6, ICMP under IPv4.
struct Icmp {
    std::uint8_t type = 128, code = 0;
    std::uint16_t id = 1, seq = 1;
};
struct Payload {
    Bytes bytes;
    std::uint8_t proto = 59;  // what the header before calls it
};

using Layer = std::variant<Ethernet, Vlan, Arp, Ipv6, Ipv4, Extension, Fragment, Tcp, Udp, Sctp, Icmp, Payload>;

class Packet {
public:
    Packet() = default;
    explicit Packet(Layer first) : layers_{std::move(first)} {}

    [[nodiscard]] Bytes bytes() const;
    // The frame's first bytes.
    [[nodiscard]] Bytes cut(std::size_t length) const;
    // The layers without the first one: what an ICMP error quotes.
    [[nodiscard]] Bytes quoted(std::size_t at_most = 1232) const;

    friend Packet operator/(Packet packet, Layer next) {
        packet.layers_.push_back(std::move(next));
        return packet;
    }

private:
    std::vector<Layer> layers_;
};

inline Packet operator/(Ethernet first, Layer next) { return Packet(first) / std::move(next); }

}  // namespace dishwall::test
