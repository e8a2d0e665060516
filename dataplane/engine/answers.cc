// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/answers.h"

#include <algorithm>

#include "bpf/core/wire.h"

namespace dishwall {
namespace {

constexpr std::uint8_t kHopLimit = 64;
constexpr std::size_t kTcpLength = 20, kIcmpLength = 8;
// What an error may be long in all (RFC 4443 2.4 c; RFC 1812 4.3.2.3), with its IP header.
constexpr std::size_t kMostV6 = 1280, kMostV4 = 576;

using Frame = std::vector<std::uint8_t>;
enum class Way { back, onward };

// A frame with its Ethernet and IP headers; `length` bytes of transport follow, all zero.
Frame headers(const std::uint8_t* about, const EthernetEnds& ends, Way way, std::uint8_t proto,
              std::size_t length) {
    const bool v6 = is_ipv6(about);
    const std::size_t header = v6 ? 40 : 20, address = v6 ? 16 : 4;
    Frame frame(kEthernetLength + header + length);
    std::copy(ends.destination.begin(), ends.destination.end(), frame.begin());
    std::copy(ends.source.begin(), ends.source.end(), frame.begin() + 6);
    store_be16(&frame[12], v6 ? DW_ETH_IPV6 : DW_ETH_IPV4);
    std::uint8_t* const ip = &frame[kEthernetLength];
    if (v6) {
        ip[0] = 0x60;
        store_be16(ip + 4, static_cast<std::uint16_t>(length));
        ip[6] = proto;
        ip[7] = kHopLimit;
    } else {
        ip[0] = 0x45;
        store_be16(ip + 2, static_cast<std::uint16_t>(header + length));
        ip[8] = kHopLimit;
        ip[9] = proto;
    }
    const std::span<const std::uint8_t> from = addresses_of(about);
    std::uint8_t* const to = ip + header - 2 * address;
    std::copy_n(from.begin(), address, way == Way::onward ? to : to + address);
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(address), address,
                way == Way::onward ? to + address : to);
    if (!v6) store_be16(ip + 10, WireSum().add({ip, header}).complement());
    return frame;
}

std::uint32_t occupied(const dw_sight& sight) {
    return static_cast<std::uint32_t>(sight.end - sight.payload) + !!(sight.tcp_flags & DW_SYN) +
           !!(sight.tcp_flags & DW_FIN);
}

Frame reset(const std::uint8_t* about, const dw_sight& sight, const EthernetEnds& ends, Way way,
            std::uint32_t seq, std::uint32_t ack, std::uint8_t flags) {
    Frame frame = headers(about, ends, way, DW_TCP, kTcpLength);
    std::uint8_t* const tcp = &frame[frame.size() - kTcpLength];
    const std::uint8_t* const ports = about + sight.l4;
    std::copy_n(ports, 2, way == Way::onward ? tcp : tcp + 2);
    std::copy_n(ports + 2, 2, way == Way::onward ? tcp + 2 : tcp);
    store_be32(tcp + 4, seq);
    store_be32(tcp + 8, ack);
    tcp[12] = kTcpLength / 4 << 4;
    tcp[13] = flags;
    store_be16(tcp + 16, pseudo_sum(frame.data(), DW_TCP, kTcpLength).add({tcp, kTcpLength}).complement());
    return frame;
}

}  // namespace

Frame reset_to_sender(const std::uint8_t* frame, const dw_sight& sight, const EthernetEnds& ends) {
    const std::uint32_t behind = sight.seq + occupied(sight);
    if (sight.tcp_flags & DW_ACK)
        return reset(frame, sight, ends, Way::back, sight.ack, behind, DW_RST | DW_ACK);
    return reset(frame, sight, ends, Way::back, 0, behind, DW_RST | DW_ACK);
}

Frame reset_onward(const std::uint8_t* frame, const dw_sight& sight, const EthernetEnds& ends) {
    const bool acks = sight.tcp_flags & DW_ACK;
    return reset(frame, sight, ends, Way::onward, sight.seq, acks ? sight.ack : 0,
                 acks ? DW_RST | DW_ACK : static_cast<std::uint8_t>(DW_RST));
}

Frame prohibited(const std::uint8_t* frame, const dw_sight& sight, const EthernetEnds& ends) {
    const bool v6 = is_ipv6(frame);
    const std::size_t overhead = (v6 ? 40 : 20) + kIcmpLength, most = (v6 ? kMostV6 : kMostV4) - overhead;
    const std::size_t quoted = std::min<std::size_t>(sight.end - kEthernetLength, most);
    const std::uint8_t proto = v6 ? DW_ICMPV6 : DW_ICMP;
    Frame answer = headers(frame, ends, Way::back, proto, kIcmpLength + quoted);
    std::uint8_t* const icmp = &answer[answer.size() - kIcmpLength - quoted];
    icmp[0] = v6 ? std::uint8_t{DW_ICMPV6_UNREACHABLE} : std::uint8_t{DW_ICMP_UNREACHABLE};
    icmp[1] = v6 ? 1 : 13;
    std::copy_n(frame + kEthernetLength, quoted, icmp + kIcmpLength);
    WireSum sum = v6 ? pseudo_sum(answer.data(), proto, kIcmpLength + quoted) : WireSum();
    store_be16(icmp + 2, sum.add({icmp, kIcmpLength + quoted}).complement());
    return answer;
}

}  // namespace dishwall
