// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/shadow_packet.h"

#include <algorithm>

namespace dishwall::test {
namespace {

constexpr unsigned kExtensionsAtMost = 8;  // R7

std::uint16_t be16(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes.at(at) << 8 | bytes.at(at + 1));
}
std::uint32_t be32(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint32_t>(be16(bytes, at)) << 16 | be16(bytes, at + 2);
}
std::uint64_t be64(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint64_t>(be32(bytes, at)) << 32 | be32(bytes, at + 4);
}
Bytes tail(const Bytes& bytes, std::size_t from) {
    return Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(std::min(from, bytes.size())), bytes.end());
}

bool is_extension(std::uint8_t next) {
    return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 140;
}

// One reading. Each step leaves a fault or goes on.
class Reader {
public:
    Reader(const Uplink& uplink, bool quoted) : uplink_(uplink), quoted_(quoted) {}

    SlowReading frame(const Bytes& frame, Direction direction) {
        if (frame.size() < 14) return failed("no whole Ethernet header");
        std::copy_n(frame.begin(), 6, p_.mac.begin());
        std::size_t at = 14;
        p_.ethertype = be16(frame, 12);
        const bool tagged = p_.ethertype == 0x8100 || p_.ethertype == 0x88a8;
        if (tagged && (!uplink_.vlan || frame.size() < 18 || (be16(frame, 14) & 0xfff) != *uplink_.vlan))
            return failed("R14: a VLAN tag that is not the uplink's");
        if (!tagged && uplink_.vlan && direction == Direction::inbound)
            return failed("R14: the tag is missing");
        if (tagged) {
            p_.ethertype = be16(frame, 16);
            at = 18;
        }
        const Bytes packet = tail(frame, at);
        start_ = at;
        if (p_.ethertype == 0x86dd) return ip(packet, 6);
        if (p_.ethertype == 0x0800) return ip(packet, 4);
        if (p_.ethertype == 0x8100 || p_.ethertype == 0x88a8) return failed("R14: a tag in a tag");
        return {p_, ""};
    }
    SlowReading ip(const Bytes& packet, unsigned family) {
        p_.family = family;
        std::string fault = family == 6 ? ipv6(packet) : ipv4(packet);
        p_.body_at = start_ + length_ - p_.body.size();
        if (fault.empty() && !p_.is_later_fragment()) fault = transport();
        return {p_, fault};
    }

private:
    [[nodiscard]] SlowReading failed(const char* why) const { return {p_, why}; }

    // The bytes that the packet's own length covers (R12, R40): what is behind is not looked at.
    std::string cut(Bytes& packet, std::size_t length) {
        if (length > packet.size() && !quoted_) return "R12: shorter than its header says";
        packet.resize(std::min(length, packet.size()));
        length_ = packet.size();
        return "";
    }

    std::string ipv6(Bytes packet) {
        if (packet.size() < 40) return "no whole IPv6 header";
        if (packet[0] >> 4 != 6) return "not version 6";
        if (be16(packet, 4) == 0) return "R12: a jumbogram";
        if (std::string fault = cut(packet, 40u + be16(packet, 4)); !fault.empty()) return fault;
        p_.hop_limit = packet[7];
        p_.src = {be64(packet, 8), be64(packet, 16)};
        p_.dst = {be64(packet, 24), be64(packet, 32)};
        return extensions(packet, packet[6]);
    }

    std::string extensions(const Bytes& packet, std::uint8_t next) {
        std::size_t at = 40;
        for (unsigned count = 0; is_extension(next); ++count) {
            if (count == kExtensionsAtMost) return "R7: more than eight extension headers";
            if (next == 0 && count > 0) return "R40: hop-by-hop options that are not first";
            if (at + 8 > packet.size()) return "R7: the header chain is not complete";
            std::size_t length = (packet[at + 1] + 1u) * 8;
            if (next == 51) length = (packet[at + 1] + 2u) * 4;
            if (next == 44) length = 8;
            if (at + length > packet.size()) return "R7: the header chain is not complete";
            if (next == 43 && (packet[at + 2] == 0 || !(quoted_ || uplink_.routing_headers)))
                return "R8: source routing";
            p_.routed = p_.routed || next == 43;
            if (next == 44)
                if (std::string fault = fragment_header(packet, at); !fault.empty()) return fault;
            next = packet[at];
            at += length;
            if (p_.is_later_fragment()) break;
        }
        p_.proto = next;
        p_.body = tail(packet, at);
        if (p_.is_later_fragment()) return "";
        return next == 253 || next == 254 ? "R7: an extension header that nobody knows" : "";
    }

    std::string fragment_header(const Bytes& packet, std::size_t at) {
        if (p_.fragment || p_.atomic) return "R10: a fragment in a fragment";
        const std::uint16_t field = be16(packet, at + 2);
        p_.atomic = (field >> 3) == 0 && (field & 1) == 0;
        if (p_.atomic) return "";
        return place(field >> 3, (field & 1) != 0, packet.size() - at - 8, be32(packet, at + 4));
    }

    std::string place(unsigned offset, bool more, std::size_t length, std::uint64_t id) {
        p_.fragment = SlowFragment{offset, static_cast<unsigned>((length + 7) / 8), !more, id};
        if (quoted_) return "";
        if (length == 0) return "R11: an empty fragment";
        if (more && length % 8 != 0) return "R11: an odd end in the middle";
        return offset * 8 + length > 65535 ? "R11: longer than any datagram" : "";
    }

    std::string ipv4(Bytes packet) {
        if (packet.size() < 20) return "no whole IPv4 header";
        if (packet[0] >> 4 != 4) return "not version 4";
        const std::size_t header = (packet[0] & 15u) * 4, length = be16(packet, 2);
        if (header < 20 || length < header) return "R12: an IPv4 header that contradicts itself";
        if (std::string fault = cut(packet, length); !fault.empty()) return fault;
        p_.hop_limit = packet[8];
        p_.proto = packet[9];
        p_.src = {0, 0xffffull << 32 | be32(packet, 12)};
        p_.dst = {0, 0xffffull << 32 | be32(packet, 16)};
        p_.body = tail(packet, header);
        const std::uint16_t field = be16(packet, 6);
        if ((field & 0x3fff) == 0) return "";
        return place(field & 0x1fff, (field & 0x2000) != 0, p_.body.size(),
                     static_cast<std::uint64_t>(p_.proto) << 16 | be16(packet, 4));
    }

    std::string transport() {
        const bool known = has_ports(p_.proto) || p_.proto == 58 || p_.proto == 1;
        if (!known) return "";
        if (p_.body.size() < (p_.proto == 6 && !quoted_ ? 20u : 8u))
            return "R10: the transport header is cut";
        if (has_ports(p_.proto)) {
            p_.source_port = be16(p_.body, 0);
            p_.destination_port = be16(p_.body, 2);
        }
        if (p_.proto == 6) return tcp();
        if (p_.proto == 17) return udp();
        if (p_.proto == 132) return "";
        p_.icmp_type = p_.body[0];
        p_.icmp_code = p_.body[1];
        p_.icmp_id = be16(p_.body, 4);
        return "";
    }

    std::string tcp() {
        SlowTcp& tcp = p_.tcp;
        tcp.seq = be32(p_.body, 4);
        if (quoted_) return "";
        const std::size_t header = (p_.body[12] >> 4) * 4u;
        if (header < 20 || header > p_.body.size()) return "R13: the TCP data offset is wrong";
        tcp.ack = be32(p_.body, 8);
        tcp.flags = p_.body[13];
        tcp.window = be16(p_.body, 14);
        const bool syn = tcp.flags & kSyn, fin = tcp.flags & kFin;
        tcp.occupied = static_cast<std::uint32_t>(p_.body.size() - header) + syn + fin;
        tcp.scale =
            window_scale(Bytes(p_.body.begin() + 20, p_.body.begin() + static_cast<std::ptrdiff_t>(header)));
        if ((tcp.flags & 0x3f) == 0) return "R13: no TCP flags";
        if (syn && (fin || tcp.flags & kRst)) return "R13: SYN with FIN or RST";
        return fin && !(tcp.flags & kAck) ? "R13: FIN without ACK" : "";
    }

    // RFC 9293 3.1, RFC 7323 2.2.
    static std::optional<std::uint8_t> window_scale(const Bytes& options) {
        for (std::size_t at = 0; at < options.size() && options[at] != 0;) {
            if (options[at] == 1) {
                ++at;
                continue;
            }
            if (at + 1 >= options.size() || options[at + 1] < 2) break;
            if (options[at] == 3 && options[at + 1] == 3 && at + 2 < options.size())
                return std::min<std::uint8_t>(options[at + 2], 14);
            at += options[at + 1];
        }
        return std::nullopt;
    }

    [[nodiscard]] std::string udp() const {
        if (quoted_) return "";
        const std::size_t length = be16(p_.body, 4);
        if (length < 8 || (length > p_.body.size() && !p_.fragment)) return "R13: the UDP length is wrong";
        const bool without = be16(p_.body, 6) == 0;
        return without && p_.family == 6 && !uplink_.udp_without_checksum ? "R13: no UDP checksum" : "";
    }

    const Uplink& uplink_;
    bool quoted_;
    std::size_t start_ = 0, length_ = 0;  // of the IP packet, in the frame
    SlowPacket p_;
};

std::uint16_t ones_complement_sum(const Bytes& bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// RFC 8200 8.1; for IPv4 the leading zeros and ffff are left out (RFC 9293 3.1).
std::uint16_t pseudo_header_sum(const SlowPacket& p) {
    Bytes bytes;
    for (const Ipv6Address& address : {p.src, p.dst}) {
        if (p.family == 6)
            for (int shift = 56; shift >= 0; shift -= 8)
                bytes.push_back(static_cast<std::uint8_t>(address.hi >> shift));
        for (int shift = p.family == 6 ? 56 : 24; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(address.lo >> shift));
    }
    const auto length = static_cast<std::uint32_t>(p.body.size());
    bytes.insert(bytes.end(),
                 {static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length), 0, p.proto});
    return ones_complement_sum(bytes);
}

std::optional<std::size_t> checksum_place(const SlowPacket& p) {
    if (p.proto == 6 && p.body.size() >= 20) return 16;
    if (p.proto == 17 && p.body.size() >= 8) return 6;
    if (p.proto == 58 && p.family == 6 && p.body.size() >= 8) return 2;
    return std::nullopt;
}

}  // namespace

bool SlowPacket::is_icmp_error() const {
    if (family == 6) return is_icmp() && icmp_type >= 1 && icmp_type <= 4;
    return is_icmp() && (icmp_type == 3 || icmp_type == 11 || icmp_type == 12);
}
bool SlowPacket::asks_for_echo() const { return is_icmp() && icmp_type == (family == 6 ? 128 : 8); }
bool SlowPacket::answers_echo() const { return is_icmp() && icmp_type == (family == 6 ? 129 : 0); }

SlowReading read_slowly(const Bytes& frame, Direction direction, const Uplink& uplink) {
    return Reader(uplink, false).frame(frame, direction);
}

SlowReading read_quoted(const Bytes& packet, unsigned family) {
    static const Uplink any;
    return Reader(any, true).ip(packet, family);
}

std::optional<Checksum> checksum_of(const SlowPacket& packet) {
    const std::optional<std::size_t> at = checksum_place(packet);
    if (!at || packet.fragment) return std::nullopt;
    SlowPacket without = packet;
    without.body[*at] = without.body[*at + 1] = 0;
    const std::uint32_t sum = std::uint32_t{pseudo_header_sum(without)} + ones_complement_sum(without.body);
    const auto value = static_cast<std::uint16_t>(~((sum & 0xffff) + (sum >> 16)));
    return Checksum{*at, value == 0 && packet.proto == 17 ? std::uint16_t{0xffff} : value};
}

bool checksum_is_right(const SlowPacket& packet) {
    constexpr std::size_t kSummedAtMost = 1536;
    const std::optional<Checksum> right = checksum_of(packet);
    if (!right || packet.routed || packet.body.size() > kSummedAtMost) return true;
    const std::uint16_t is = be16(packet.body, right->at);
    const auto equal = [](unsigned a, unsigned b) { return a % 0xffff == b % 0xffff; };  // two zeros
    if (packet.proto == 17 && is == 0) return true;
    return equal(is, right->value) || equal(is, pseudo_header_sum(packet));
}

}  // namespace dishwall::test
