// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/capture.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <pcap/pcap.h>

#include <algorithm>

#include "control/checksum.h"
#include "control/frame_parts.h"

namespace dishwall {
namespace {

constexpr std::size_t kMost = 2048;  // BPF_PROG_TEST_RUN takes a page less some room
constexpr std::size_t kEthernet = 14, kIpv6 = 40;

void write16(Bytes* bytes, std::size_t at, std::size_t value) {
    (*bytes)[at] = static_cast<std::uint8_t>(value >> 8);
    (*bytes)[at + 1] = static_cast<std::uint8_t>(value);
}

// A link header for an IP packet, to a group when the packet is for one: the daemon fills in our own address.
Bytes with_link_header(std::span<const std::uint8_t> packet) {
    Bytes frame(kEthernet + packet.size());
    std::ranges::copy(packet, frame.begin() + kEthernet);
    const bool ipv4 = !packet.empty() && packet[0] >> 4 == 4;
    write16(&frame, 12, ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
    if (!ipv4 && packet.size() >= kIpv6 && packet[24] == 0xff) {
        write16(&frame, 0, 0x3333);  // RFC 2464, 7
        std::ranges::copy(packet.subspan(36, 4), &frame[2]);
    }
    return frame;
}

void shorten_udp(Bytes* frame, const FrameParts& parts, std::size_t end) {
    const std::size_t at = parts.l4 + 4;
    if (parts.proto != IPPROTO_UDP || parts.later || parts.l4 == 0 || at + 2 > frame->size()) return;
    const std::size_t length = read16(*frame, at);
    if (parts.l4 + length <= parts.end && parts.l4 + length > end && end > parts.l4)
        write16(frame, at, end - parts.l4);
}

// Makes the packet end where its frame does. A fragment's length stays what it was in multiples of eight.
void shorten(Bytes* frame, FrameParts* parts) {
    std::size_t missing = parts->end - frame->size();
    if (parts->fragment) missing = (missing + 7) / 8 * 8;
    if (parts->end - missing <= parts->ip + (parts->family == 6 ? kIpv6 : 20))
        return;  // nothing would be left
    const std::size_t end = parts->end - missing;
    frame->resize(end);
    shorten_udp(frame, *parts, end);
    if (parts->family == 6)
        write16(frame, parts->ip + 4, end - parts->ip - kIpv6);
    else
        write16(frame, parts->ip + 2, end - parts->ip);
    parts->end = end;
}

struct ChecksumField {
    std::size_t offset = 0;  // in the transport header
    std::size_t least = 0;   // bytes that the header has
};

std::optional<ChecksumField> checksum_field(const FrameParts& parts) {
    switch (parts.proto) {
        case IPPROTO_TCP:
            return ChecksumField{16, 20};
        case IPPROTO_UDP:
            return ChecksumField{6, 8};
        case IPPROTO_ICMPV6:
        case IPPROTO_ICMP:
            return ChecksumField{2, 4};
        default:
            return std::nullopt;
    }
}

// Source, destination, length and protocol as each family's checksums cover them; ICMP for IPv4 covers none.
Bytes pseudo_header(const Bytes& frame, const FrameParts& parts) {
    if (parts.proto == IPPROTO_ICMP) return {};
    const auto ip = frame.begin() + static_cast<std::ptrdiff_t>(parts.ip);
    Bytes pseudo = parts.family == 6 ? Bytes(ip + 8, ip + 40) : Bytes(ip + 12, ip + 20);
    const std::size_t at = pseudo.size();
    pseudo.resize(at + 4);
    write16(&pseudo, at, parts.end - parts.l4);
    write16(&pseudo, at + 2, parts.proto);
    return pseudo;
}

void set_transport_checksum(Bytes* frame, const FrameParts& parts) {
    const auto field = checksum_field(parts);
    if (!field || parts.fragment || parts.l4 == 0 || parts.l4 + field->least > parts.end) return;
    const std::size_t at = parts.l4 + field->offset;
    if (parts.proto == IPPROTO_UDP && read16(*frame, at) == 0) return;  // it says that it has none
    write16(frame, at, 0);
    const std::span<const std::uint8_t> payload(&(*frame)[parts.l4], parts.end - parts.l4);
    const std::uint16_t sum = internet_checksum({pseudo_header(*frame, parts), payload});
    write16(frame, at, parts.proto == IPPROTO_UDP && sum == 0 ? 0xffff : sum);
}

void set_ipv4_checksum(Bytes* frame, const FrameParts& parts) {
    if (parts.family != 4 || parts.l4 < parts.ip + 20 || parts.l4 > frame->size()) return;
    write16(frame, parts.ip + 10, 0);
    write16(frame, parts.ip + 10, internet_checksum({std::span(&(*frame)[parts.ip], parts.l4 - parts.ip)}));
}

}  // namespace

void Capture::Closer::operator()(pcap* handle) const { ::pcap_close(handle); }

Result<Capture> Capture::open(const std::string& path) {
    char why[PCAP_ERRBUF_SIZE] = "";
    std::unique_ptr<pcap, Closer> handle(::pcap_open_offline(path.c_str(), why));
    if (handle == nullptr) return fail("cannot read the capture {}: {}", path, why);
    const int link = ::pcap_datalink(handle.get());
    const bool raw = link == DLT_RAW || link == DLT_IPV6 || link == DLT_IPV4;
    if (!raw && link != DLT_EN10MB) {
        const char* name = ::pcap_datalink_val_to_name(link);
        return fail(
            "the capture {} has link type {}; Ethernet and raw IP can be read: capture on one interface, not "
            "on "
            "'any'",
            path, name == nullptr ? std::to_string(link) : name);
    }
    return Capture(path, std::move(handle), raw);
}

Result<std::optional<Bytes>> Capture::next() {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int got = ::pcap_next_ex(handle_.get(), &header, &data);
    if (got == PCAP_ERROR_BREAK) return std::optional<Bytes>();
    if (got != 1) return fail("the capture {} is damaged: {}", path_, ::pcap_geterr(handle_.get()));
    const std::span<const std::uint8_t> captured(data, header->caplen);
    Bytes frame = raw_ ? with_link_header(captured) : Bytes(captured.begin(), captured.end());
    mend(&frame);
    return std::optional(std::move(frame));
}

void mend(Bytes* frame) {
    frame->resize(std::min(frame->size(), kMost));
    FrameParts parts = parts_of(*frame);
    if (parts.family == 0) return;
    if (parts.end > frame->size()) shorten(frame, &parts);
    if (parts.end > frame->size()) return;
    set_transport_checksum(frame, parts);
    set_ipv4_checksum(frame, parts);
}

}  // namespace dishwall
