// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/frame_edit.h"

#include <bit>

#include "bpf/core/wide_sum.h"
#include "bpf/core/wire.h"

namespace dishwall {
namespace {

constexpr std::uint8_t kUrgentFlag = 0x20;
// A longer packet is taken as it is by dw_native_look().
constexpr std::size_t kCheckedByCore = 1536;

constexpr std::size_t kAddresses = 32;  // bytes of the two of a packet: too few to look for a wider way

// Where the checksum stands behind the transport header's start; 0: none is checked.
std::size_t checksum_at(std::uint8_t proto, bool v6) {
    if (proto == DW_TCP) return 16;
    if (proto == DW_UDP) return 6;
    return proto == DW_ICMPV6 && v6 ? 2 : 0;
}

// A routing header makes the pseudo-header another one (RFC 8200 8.1): its packets are taken as they are.
bool has_routing_header(const std::uint8_t* frame, const dw_sight& sight) {
    std::uint8_t kind = frame[kEthernetLength + 6];
    for (std::size_t at = kEthernetLength + 40; at + 8 <= sight.l4;) {
        if (kind == DW_ROUTING) return true;
        const std::size_t length = kind == DW_FRAGMENT ? 8
                                   : kind == DW_AH     ? (frame[at + 1] + 2u) * 4
                                                       : (frame[at + 1] + 1u) * 8;
        kind = frame[at];
        at += length;
    }
    return false;
}

}  // namespace

WireSum& WireSum::add(std::span<const std::uint8_t> bytes) {
    std::uint64_t sum = bytes.size() <= kAddresses ? dw_short_sum(bytes.data(), bytes.size())
                                                   : dw_wide_sum(bytes.data(), bytes.size());
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    sum_ +=
        std::endian::native == std::endian::little ? __builtin_bswap16(static_cast<std::uint16_t>(sum)) : sum;
    return *this;
}

std::uint16_t WireSum::complement() const {
    std::uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

bool is_ipv6(const std::uint8_t* frame) { return frame[kEthernetLength] >> 4 == 6; }

std::span<const std::uint8_t> addresses_of(const std::uint8_t* frame) {
    const std::uint8_t* const ip = frame + kEthernetLength;
    return is_ipv6(frame) ? std::span(ip + 8, 32) : std::span(ip + 12, 8);
}

WireSum pseudo_sum(const std::uint8_t* frame, std::uint8_t proto, std::size_t length) {
    return WireSum().add(addresses_of(frame)).add(proto).add(static_cast<std::uint32_t>(length));
}

Checksum check_and_complete(std::uint8_t* frame, const dw_sight& sight) {
    if (!sight.whole) return Checksum::wrong;
    const bool v6 = is_ipv6(frame);
    const std::size_t at = checksum_at(sight.proto, v6), length = sight.end - sight.l4;
    if (at == 0 || at + 2 > length || (v6 && has_routing_header(frame, sight))) return Checksum::right;
    std::uint8_t* const field = frame + sight.l4 + at;
    const std::uint16_t stands = load_be16(field);
    if (sight.proto == DW_UDP && stands == 0) return Checksum::right;
    WireSum sum = pseudo_sum(frame, sight.proto, length);
    const bool is_bare = stands == static_cast<std::uint16_t>(~sum.complement());
    if (!is_bare && length <= kCheckedByCore) return Checksum::right;
    if (sum.add({frame + sight.l4, length}).complement() == 0) return Checksum::right;
    if (!is_bare) return Checksum::wrong;
    store_be16(field, 0);
    std::uint16_t whole = pseudo_sum(frame, sight.proto, length).add({frame + sight.l4, length}).complement();
    if (sight.proto == DW_UDP && whole == 0) whole = 0xffff;
    store_be16(field, whole);
    return Checksum::right;
}

bool datagram_is_right(const std::uint8_t* frame, const dw_sight& sight,
                       std::span<const std::uint8_t> transport) {
    const bool v6 = is_ipv6(frame);
    const std::size_t at = checksum_at(sight.proto, v6);
    if (at == 0 || (v6 && has_routing_header(frame, sight))) return true;
    if (at + 2 > transport.size()) return false;
    if (sight.proto == DW_UDP && load_be16(&transport[at]) == 0) return true;
    return pseudo_sum(frame, sight.proto, transport.size()).add(transport).complement() == 0;
}

void clear_urgent(std::uint8_t* tcp) {
    const std::uint16_t flags = load_be16(tcp + 12), urgent = load_be16(tcp + 18);
    const auto cleared = static_cast<std::uint16_t>(flags & ~kUrgentFlag);
    const std::uint16_t mended = WireSum()
                                     .add(static_cast<std::uint16_t>(~load_be16(tcp + 16)))
                                     .add(static_cast<std::uint16_t>(~flags))
                                     .add(cleared)
                                     .add(static_cast<std::uint16_t>(~urgent))
                                     .complement();
    store_be16(tcp + 12, cleared);
    store_be16(tcp + 16, mended);
    store_be16(tcp + 18, 0);
}

}  // namespace dishwall
