// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/frame_template.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include <array>
#include <cstring>
#include <vector>

namespace dishwall::bench {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Ip6Header {
    std::uint8_t version_class_flow[4] = {0x60, 0, 0, 0};
    std::uint16_t payload_length_be = 0;
    std::uint8_t next_header = 0;
    std::uint8_t hop_limit = 64;
    std::uint64_t source_be[2] = {}, destination_be[2] = {};
};
constexpr std::size_t kIpAt = sizeof(Mac) * 2 + 2;
static_assert(kIpAt + offsetof(Ip6Header, source_be) == DW_AT_SOURCE);
static_assert(kIpAt + offsetof(Ip6Header, destination_be) == DW_AT_DESTINATION);
static_assert(kIpAt + sizeof(Ip6Header) == DW_AT_LAYER4);
static_assert(offsetof(udphdr, uh_sum) == DW_UDP_CHECKSUM);
static_assert(offsetof(tcphdr, th_sum) == DW_TCP_CHECKSUM);

template <typename T>
void append(Bytes& bytes, const T& value) {
    const auto* start = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), start, start + sizeof(value));
}

// In memory order, as the BPF program adds the varying fields; RFC 1071 makes that the same sum.
std::uint32_t ones_complement_sum(std::span<const std::uint8_t> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        std::uint16_t word;
        std::memcpy(&word, bytes.data() + at, 2);
        sum += word;
    }
    return sum;
}

// An extension header of eight bytes: options that say nothing (PadN), or a fragment header.
using Extension = std::array<std::uint8_t, 8>;
Extension padding(std::uint8_t next) { return {next, 0, 1, 4, 0, 0, 0, 0}; }
Extension fragment(std::uint8_t next, bool first) {
    const std::uint16_t offset_and_more = first ? 1 : 100 << 3;
    return {next,
            0,
            static_cast<std::uint8_t>(offset_and_more >> 8),
            static_cast<std::uint8_t>(offset_and_more),
            0x12,
            0x34,
            0x56,
            0x78};
}

struct Chain {
    std::uint8_t first;  // the IPv6 header's next header
    std::vector<Extension> headers;
};

Chain chain_of(Extensions extensions, std::uint8_t transport) {
    constexpr std::uint8_t kHopByHop = IPPROTO_HOPOPTS, kOptions = IPPROTO_DSTOPTS;
    switch (extensions) {
        case Extensions::none:
            return {transport, {}};
        case Extensions::three_headers:
            return {kHopByHop, {padding(kOptions), padding(kOptions), padding(transport)}};
        case Extensions::first_fragment:
            return {IPPROTO_FRAGMENT, {fragment(transport, true)}};
        case Extensions::later_fragment:
            return {IPPROTO_FRAGMENT, {fragment(transport, false)}};
    }
    __builtin_unreachable();
}

Bytes layer4(bool udp, std::size_t length) {
    Bytes bytes;
    if (udp) {
        udphdr header = {};
        header.uh_ulen = htons(static_cast<std::uint16_t>(length));
        append(bytes, header);
    } else {
        tcphdr header = {};
        header.th_off = 5;
        header.th_flags = TH_SYN;
        header.th_win = htons(64240);
        append(bytes, header);
    }
    bytes.resize(length);
    return bytes;
}

Ip6Header ip_header(const Hop& hop, std::uint8_t next, std::size_t payload) {
    Ip6Header ip;
    ip.payload_length_be = htons(static_cast<std::uint16_t>(payload));
    ip.next_header = next;
    ip.source_be[0] = htobe64(hop.source_network);
    ip.destination_be[0] = htobe64(hop.destination_network);
    return ip;
}

// Pseudo header (RFC 8200 8.1) and layer 4. `at`: of layer 4.
std::uint32_t sum_of(std::span<const std::uint8_t> frame, std::size_t at, bool udp) {
    std::uint32_t sum = ones_complement_sum(frame.subspan(DW_AT_SOURCE, 32));
    sum += htons(static_cast<std::uint16_t>(frame.size() - at));
    sum += htons(udp ? IPPROTO_UDP : IPPROTO_TCP);
    return sum + ones_complement_sum(frame.subspan(at));
}

}  // namespace

dw_traffic inbound_traffic(bool udp, const Hop& hop, Extensions extensions) {
    const Chain chain = chain_of(extensions, udp ? IPPROTO_UDP : IPPROTO_TCP);
    const std::size_t at = DW_AT_LAYER4 + chain.headers.size() * sizeof(Extension);
    dw_traffic set = {};
    set.length = extensions == Extensions::none ? DW_FRAME_LENGTH : DW_LONG_FRAME_LENGTH;
    Bytes frame;
    append(frame, hop.receiver);
    append(frame, hop.sender);
    append(frame, htons(ETH_P_IPV6));
    append(frame, ip_header(hop, chain.first, set.length - DW_AT_LAYER4));
    for (const Extension& header : chain.headers) append(frame, header);
    const Bytes transport = layer4(udp, set.length - at);
    frame.insert(frame.end(), transport.begin(), transport.end());

    std::memcpy(set.frame, frame.data(), frame.size());
    set.udp = udp;
    set.extensions = static_cast<std::uint8_t>(at - DW_AT_LAYER4);
    set.base_sum = sum_of(frame, at, udp);
    set.number_mask = ~0ull;
    return set;
}

bool checksum_is_right(const dw_traffic& set, std::span<const std::uint8_t> frame) {
    std::uint32_t sum = sum_of(frame, std::size_t{DW_AT_LAYER4} + set.extensions, set.udp != 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

}  // namespace dishwall::bench
