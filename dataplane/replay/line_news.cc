// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/line_news.h"

#include <netinet/in.h>

#include <algorithm>

#include "dataplane/replay/ours.h"

namespace dishwall {
namespace {

using Words = std::span<const std::uint8_t>;

constexpr std::uint16_t kClientPort = 546, kServerPort = 547;
constexpr std::uint8_t kReply = 7;                                              // RFC 8415 7.3
constexpr std::uint16_t kIaNa = 3, kIaAddress = 5, kIaPd = 25, kIaPrefix = 26;  // RFC 8415 21
constexpr std::uint8_t kRouterAdvertisement = 134, kNeighbourSolicitation = 135;
constexpr std::uint8_t kPrefixInformation = 3, kAutonomous = 0x40;  // RFC 4861 4.6.2
constexpr std::size_t kUdpHeader = 8;

std::uint32_t read32(Words words, std::size_t at) {
    return std::uint32_t{read16(words, at)} << 16 | read16(words, at + 2);
}

Ipv6Address read_address(Words words, std::size_t at) {
    return {std::uint64_t{read32(words, at)} << 32 | read32(words, at + 4),
            std::uint64_t{read32(words, at + 8)} << 32 | read32(words, at + 12)};
}

bool is_link_local(const Ipv6Address& address) { return address.hi == 0xfe80000000000000; }

// What the packet carries behind so many bytes of its transport header.
Words payload_of(Words frame, const FrameParts& parts, std::size_t header) {
    const std::size_t end = std::min(parts.end, frame.size());
    if (parts.family != 6 || parts.fragment || parts.l4 == 0 || parts.l4 + header > end) return {};
    return frame.subspan(parts.l4 + header, end - parts.l4 - header);
}

bool is_dhcp(Words frame, const FrameParts& parts, std::uint16_t from, std::uint16_t to) {
    return parts.proto == IPPROTO_UDP && !payload_of(frame, parts, kUdpHeader).empty() &&
           read16(frame, parts.l4) == from && read16(frame, parts.l4 + 2) == to;
}

// Calls `each` with the code and the content of each option; one that is longer than its room ends the list.
template <typename Each>
void for_each_option(Words options, const Each& each) {
    while (options.size() >= 4) {
        const std::size_t length = read16(options, 2);
        if (length > options.size() - 4) return;
        each(read16(options, 0), options.subspan(4, length));
        options = options.subspan(4 + length);
    }
}

std::optional<Lifetimes> lifetimes_at(Words words, std::size_t at) {
    const Lifetimes lives{read32(words, at), read32(words, at + 4)};
    return lives.preferred_s > lives.valid_s ? std::nullopt : std::optional(lives);  // RFC 8415 21.6, 21.22
}

void read_delegation(Words option, LineNews* news) {
    if (option.size() < 25 || option[8] > 128) return;
    const auto lives = lifetimes_at(option, 0);
    if (lives) news->delegated.add({Ipv6Prefix::containing(read_address(option, 9), option[8]), *lives});
}

void read_assignment(Words option, LineNews* news) {
    if (option.size() < 24) return;
    if (const auto lives = lifetimes_at(option, 16)) news->assigned.add({read_address(option, 0), *lives});
}

void read_reply(Words message, LineNews* news) {
    if (message.size() < 4 || message[0] != kReply) return;
    for_each_option(message.subspan(4), [&](std::uint16_t code, Words option) {
        if ((code != kIaPd && code != kIaNa) || option.size() < 12) return;
        for_each_option(option.subspan(12), [&](std::uint16_t inner, Words content) {
            if (code == kIaPd && inner == kIaPrefix) read_delegation(content, news);
            if (code == kIaNa && inner == kIaAddress) read_assignment(content, news);
        });
    });
}

void read_prefix_information(Words option, LineNews* news) {
    if (option.size() < 32 || option[2] != 64 || (option[3] & kAutonomous) == 0) return;
    const Lifetimes lives{read32(option, 8), read32(option, 4)};
    if (lives.preferred_s <= lives.valid_s)
        news->advertised.add({Ipv6Prefix::containing(read_address(option, 16), 64), lives});
}

void read_advertisement(Words message, LineNews* news) {
    if (message.size() < 16) return;
    for (Words options = message.subspan(16); options.size() >= 8;) {
        const std::size_t length = options[1] * std::size_t{8};
        if (length == 0 || length > options.size()) return;
        if (options[0] == kPrefixInformation) read_prefix_information(options.first(length), news);
        options = options.subspan(length);
    }
}

}  // namespace

LineNews line_news(Words frame, const FrameParts& parts) {
    LineNews news;
    if (is_dhcp(frame, parts, kServerPort, kClientPort) && is_link_local(parts.destination))
        read_reply(payload_of(frame, parts, kUdpHeader), &news);
    if (parts.proto != IPPROTO_ICMPV6 || !is_link_local(parts.source)) return news;
    const Words message = payload_of(frame, parts, 0);
    if (!message.empty() && message[0] == kRouterAdvertisement) read_advertisement(message, &news);
    return news;
}

std::optional<ClientSeen> dhcp_client(Words frame, const FrameParts& parts) {
    if (parts.proto != IPPROTO_UDP) return std::nullopt;
    if (is_link_local(parts.source) && is_dhcp(frame, parts, kClientPort, kServerPort))
        return ClientSeen{parts.source, source_mac(frame)};
    if (is_link_local(parts.destination) && is_dhcp(frame, parts, kServerPort, kClientPort))
        return ClientSeen{parts.destination, destination_mac(frame)};
    return std::nullopt;
}

std::optional<Ipv6Address> tried_address(Words frame, const FrameParts& parts) {
    if (parts.proto != IPPROTO_ICMPV6 || parts.source != Ipv6Address{}) return std::nullopt;
    const Words message = payload_of(frame, parts, 0);
    if (message.size() < 24 || message[0] != kNeighbourSolicitation) return std::nullopt;
    return read_address(message, 8);
}

}  // namespace dishwall
