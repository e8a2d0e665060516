// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/frame_parts.h"

#include <net/ethernet.h>
#include <netinet/in.h>

namespace dishwall {
namespace {

using Frame = std::span<const std::uint8_t>;

constexpr std::size_t kEthernet = 14, kTag = 4, kIpv6 = 40, kIpv4 = 20;

std::uint64_t read64(Frame frame, std::size_t at) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) word = word << 8 | frame[at + i];
    return word;
}

bool is_extension(std::uint8_t proto) {
    switch (proto) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_FRAGMENT:
        case IPPROTO_DSTOPTS:
        case IPPROTO_AH:
            return true;
        default:
            return false;
    }
}

std::size_t length_of_extension(Frame frame, std::size_t at, std::uint8_t proto) {
    if (proto == IPPROTO_FRAGMENT) return 8;
    return proto == IPPROTO_AH ? (frame[at + 1] + 2u) * 4 : (frame[at + 1] + 1u) * 8;
}

// Every extension has eight bytes at least, so this ends.
void walk_chain(Frame frame, FrameParts* parts) {
    std::size_t at = parts->ip + kIpv6;
    while (is_extension(parts->proto)) {
        if (at + 8 > frame.size()) return;
        const std::uint8_t kind = parts->proto;
        if (kind == IPPROTO_FRAGMENT) {
            const unsigned field = read16(frame, at + 2);
            parts->fragment = (field & 0xfff9) != 0;
            parts->later = field >> 3 != 0;
        }
        parts->proto = frame[at];
        at += length_of_extension(frame, at, kind);
        if (parts->later) break;
    }
    parts->l4 = at;
}

void read_ipv6(Frame frame, FrameParts* parts) {
    if (parts->ip + kIpv6 > frame.size() || frame[parts->ip] >> 4 != 6) return;
    parts->family = 6;
    parts->source = {read64(frame, parts->ip + 8), read64(frame, parts->ip + 16)};
    parts->destination = {read64(frame, parts->ip + 24), read64(frame, parts->ip + 32)};
    parts->end = parts->ip + kIpv6 + read16(frame, parts->ip + 4);
    parts->proto = frame[parts->ip + 6];
    walk_chain(frame, parts);
}

Ipv6Address mapped(Frame frame, std::size_t at) {
    const std::uint32_t address = std::uint32_t{read16(frame, at)} << 16 | read16(frame, at + 2);
    return {0, std::uint64_t{0xffff} << 32 | address};
}

void read_ipv4(Frame frame, FrameParts* parts) {
    if (parts->ip + kIpv4 > frame.size() || frame[parts->ip] >> 4 != 4) return;
    parts->family = 4;
    parts->source = mapped(frame, parts->ip + 12);
    parts->destination = mapped(frame, parts->ip + 16);
    parts->end = parts->ip + read16(frame, parts->ip + 2);
    parts->proto = frame[parts->ip + 9];
    const unsigned field = read16(frame, parts->ip + 6);
    parts->fragment = (field & 0x3fff) != 0;
    parts->later = (field & 0x1fff) != 0;
    const std::size_t header = (frame[parts->ip] & 15u) * 4;
    if (header >= kIpv4) parts->l4 = parts->ip + header;  // else it would lie within itself
}

}  // namespace

FrameParts parts_of(Frame frame) {
    FrameParts parts;
    if (frame.size() < kEthernet) return parts;
    parts.ethertype = read16(frame, 12);
    parts.ip = kEthernet;
    if (parts.ethertype == ETHERTYPE_VLAN && frame.size() >= kEthernet + kTag) {
        parts.ethertype = read16(frame, kEthernet + 2);
        parts.ip += kTag;
    }
    if (parts.ethertype == ETHERTYPE_IPV6) read_ipv6(frame, &parts);
    if (parts.ethertype == ETHERTYPE_IP) read_ipv4(frame, &parts);
    return parts;
}

}  // namespace dishwall
