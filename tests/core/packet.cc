// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <stdexcept>

namespace dishwall::test {
namespace {

void put16(Bytes& out, std::uint16_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& out, std::uint32_t value) {
    put16(out, static_cast<std::uint16_t>(value >> 16));
    put16(out, static_cast<std::uint16_t>(value));
}

Bytes address(int family, const std::string& text) {
    Bytes bytes(family == AF_INET6 ? 16 : 4);
    if (inet_pton(family, text.c_str(), bytes.data()) != 1) throw std::invalid_argument("address " + text);
    return bytes;
}

void overwrite(Bytes& out, std::size_t at, std::uint16_t value) {
    out[at] = static_cast<std::uint8_t>(value >> 8);
    out[at + 1] = static_cast<std::uint8_t>(value);
}

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

std::uint16_t checksum(const Bytes& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2)
        sum += bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

// What the layers above must know of the IP header below them.
struct Network {
    Bytes addresses;  // source and destination; empty above ARP
    bool v6 = true;
};

std::uint16_t transport_checksum(const Network& network, std::uint8_t proto, const Bytes& segment) {
    Bytes covered = network.addresses;
    put32(covered, static_cast<std::uint32_t>(segment.size()));
    put32(covered, proto);
    append(covered, segment);
    return checksum(covered);
}

std::uint8_t proto_of(const Layer& layer, bool v6) {
    struct Visitor {
        bool v6;
        std::uint8_t operator()(const Ipv6&) const { return 41; }
        std::uint8_t operator()(const Ipv4&) const { return 4; }
        std::uint8_t operator()(const Extension& extension) const { return extension.kind; }
        std::uint8_t operator()(const Fragment&) const { return 44; }
        std::uint8_t operator()(const Tcp&) const { return 6; }
        std::uint8_t operator()(const Udp&) const { return 17; }
        std::uint8_t operator()(const Sctp&) const { return 132; }
        std::uint8_t operator()(const Icmp&) const { return v6 ? 58 : 1; }
        std::uint8_t operator()(const Payload& payload) const { return payload.proto; }
        std::uint8_t operator()(const Ethernet&) const { return 59; }
        std::uint8_t operator()(const Vlan&) const { return 59; }
        std::uint8_t operator()(const Arp&) const { return 59; }
    };
    return std::visit(Visitor{v6}, layer);
}

std::uint16_t ethertype_of(const Layer* layer) {
    if (layer == nullptr) return 0x0800;
    if (std::holds_alternative<Ipv4>(*layer)) return 0x0800;
    if (std::holds_alternative<Arp>(*layer)) return 0x0806;
    if (const auto* vlan = std::get_if<Vlan>(layer)) return vlan->tpid;
    return 0x86dd;
}

// Writes one layer in front of the payload that the layers after it made.
struct Writer {
    const Layer* next;
    const Network& network;
    const Bytes& payload;

    [[nodiscard]] std::uint8_t next_proto() const { return next == nullptr ? 59 : proto_of(*next, network.v6); }

    Bytes operator()(const Ethernet& eth) const {
        Bytes out(eth.dst.begin(), eth.dst.end());
        append(out, {0x02, 0, 0, 0, 0, 0x01});
        put16(out, eth.type.value_or(ethertype_of(next)));
        return out;
    }
    Bytes operator()(const Vlan& vlan) const {
        Bytes out;
        put16(out, vlan.id);
        put16(out, ethertype_of(next));
        return out;
    }
    Bytes operator()(const Arp&) const { return Bytes(28, 0); }
    Bytes operator()(const Ipv6& ip) const {
        Bytes out{static_cast<std::uint8_t>(ip.version << 4), 0, 0, 0};
        put16(out, ip.payload_length.value_or(static_cast<std::uint16_t>(payload.size())));
        out.push_back(ip.next.value_or(next_proto()));
        out.push_back(ip.hop_limit);
        append(out, address(AF_INET6, ip.src));
        append(out, address(AF_INET6, ip.dst));
        return out;
    }
    Bytes operator()(const Ipv4& ip) const {
        Bytes out{static_cast<std::uint8_t>(0x40 | ip.header_words), 0};
        put16(out, ip.length.value_or(static_cast<std::uint16_t>(payload.size() + ip.header_words * 4u)));
        put16(out, ip.id);
        put16(out, ip.fragment);
        out.push_back(64);
        out.push_back(next_proto());
        put16(out, 0);
        append(out, address(AF_INET, ip.src));
        append(out, address(AF_INET, ip.dst));
        out.resize(std::max<std::size_t>(ip.header_words * 4u, 20));
        const std::uint16_t sum = checksum(out);
        overwrite(out, 10, sum);
        return out;
    }
    Bytes operator()(const Extension& extension) const {
        const std::size_t size = extension.kind == 51 ? (extension.units + 2u) * 4 : (extension.units + 1u) * 8;
        Bytes out{extension.next.value_or(next_proto()), extension.units, extension.type, 0};
        out.resize(std::max<std::size_t>(size, 8));
        if (extension.kind == 0 || extension.kind == 60) {  // one PadN option fills it
            out[2] = 1;
            out[3] = static_cast<std::uint8_t>(std::min<std::size_t>(out.size() - 4, 255));
        }
        return out;
    }
    Bytes operator()(const Fragment& fragment) const {
        Bytes out{fragment.next.value_or(next_proto()), fragment.reserved};
        put16(out, static_cast<std::uint16_t>(fragment.offset << 3 | (fragment.more ? 1 : 0)));
        put32(out, fragment.id);
        return out;
    }
    Bytes operator()(const Tcp& tcp) const {
        Bytes out;
        put16(out, tcp.sport);
        put16(out, tcp.dport);
        put32(out, tcp.seq);
        put32(out, tcp.ack);
        const unsigned words = tcp.offset + (tcp.scale ? 1u : 0u);
        out.push_back(static_cast<std::uint8_t>(words << 4));
        out.push_back(tcp.flags);
        put16(out, tcp.window);
        put32(out, 0);
        if (tcp.scale) append(out, {1, 3, 3, *tcp.scale});
        if (words > 5 && words <= 15) out.resize(words * 4u, 1);
        out = with_checksum(std::move(out), 6, 16);
        if (tcp.checksum) overwrite(out, 16, *tcp.checksum);
        return out;
    }
    Bytes operator()(const Udp& udp) const {
        Bytes out;
        put16(out, udp.sport);
        put16(out, udp.dport);
        put16(out, udp.length.value_or(static_cast<std::uint16_t>(payload.size() + 8)));
        put16(out, 0);
        out = with_checksum(std::move(out), 17, 6);
        if (udp.checksum) overwrite(out, 6, *udp.checksum);
        return out;
    }
    Bytes operator()(const Sctp& sctp) const {
        Bytes out;
        put16(out, sctp.sport);
        put16(out, sctp.dport);
        put32(out, 0);
        put32(out, 0);
        return out;
    }
    Bytes operator()(const Icmp& icmp) const {
        Bytes out{icmp.type, icmp.code, 0, 0};
        put16(out, icmp.id);
        put16(out, icmp.seq);
        return with_checksum(std::move(out), network.v6 ? 58 : 1, 2);
    }
    Bytes operator()(const Payload& data) const { return data.bytes; }

    [[nodiscard]] Bytes with_checksum(Bytes header, std::uint8_t proto, std::size_t at) const {
        Bytes segment = header;
        append(segment, payload);
        const std::uint16_t sum =
            proto == 1 ? checksum(segment) : transport_checksum(network, proto, segment);
        overwrite(header, at, sum);
        return header;
    }
};

// The IP header that layer `i` lies under.
Network network_under(const std::vector<Layer>& layers, std::size_t i) {
    Network network;
    for (std::size_t k = 0; k < i; ++k) {
        if (const auto* ip = std::get_if<Ipv6>(&layers[k])) {
            network = {address(AF_INET6, ip->src), true};
            append(network.addresses, address(AF_INET6, ip->dst));
        } else if (const auto* ip4 = std::get_if<Ipv4>(&layers[k])) {
            network = {address(AF_INET, ip4->src), false};
            append(network.addresses, address(AF_INET, ip4->dst));
        }
    }
    return network;
}

Bytes build(const std::vector<Layer>& layers, std::size_t from) {
    Bytes made;
    for (std::size_t i = layers.size(); i-- > from;) {
        const Layer* next = i + 1 < layers.size() ? &layers[i + 1] : nullptr;
        // An IP layer names what follows it in its own family.
        const Network network = network_under(layers, std::holds_alternative<Ipv4>(layers[i]) ? i + 1 : i);
        Bytes front = std::visit(Writer{next, network, made}, layers[i]);
        append(front, made);
        made = std::move(front);
    }
    return made;
}

}  // namespace

Bytes Packet::bytes() const { return build(layers_, 0); }

Bytes Packet::cut(std::size_t length) const {
    Bytes frame = bytes();
    frame.resize(std::min(length, frame.size()));
    return frame;
}

Bytes Packet::quoted(std::size_t at_most) const {
    Bytes inner = build(layers_, 1);
    inner.resize(std::min(at_most, inner.size()));
    return inner;
}

}  // namespace dishwall::test
