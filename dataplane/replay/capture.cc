// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/capture.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "dataplane/replay/checksum.h"

namespace dishwall {
namespace {

constexpr std::size_t kEthernet = 14, kIpv6 = 40;

void write16(FrameBytes* bytes, std::size_t at, std::size_t value) {
    (*bytes)[at] = static_cast<std::uint8_t>(value >> 8);
    (*bytes)[at + 1] = static_cast<std::uint8_t>(value);
}

// A link header for an IP packet, to a group when the packet is for one: nobody's address stands for
// everybody's.
void add_link_header(FrameBytes* frame) {
    const bool ipv4 = frame->size() > kEthernet && (*frame)[kEthernet] >> 4 == 4;
    write16(frame, 12, ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6);
    const std::size_t to = kEthernet + 24;
    if (!ipv4 && frame->size() >= kEthernet + kIpv6 && (*frame)[to] == 0xff) {
        write16(frame, 0, 0x3333);  // RFC 2464, 7
        std::copy_n(frame->begin() + to + 12, 4, frame->begin() + 2);
    }
}

void shorten_udp(FrameBytes* frame, const FrameParts& parts, std::size_t end) {
    const std::size_t at = parts.l4 + 4;
    if (parts.proto != IPPROTO_UDP || parts.later || parts.l4 == 0 || at + 2 > frame->size()) return;
    const std::size_t length = read16(*frame, at);
    if (parts.l4 + length <= parts.end && parts.l4 + length > end && end > parts.l4)
        write16(frame, at, end - parts.l4);
}

// Makes the packet end where its frame does. A fragment's length stays what it was in multiples of eight.
void shorten(FrameBytes* frame, FrameParts* parts) {
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
struct PseudoHeader {
    std::array<std::uint8_t, 36> bytes{};
    std::size_t length = 0;

    PseudoHeader(const FrameBytes& frame, const FrameParts& parts) {
        if (parts.proto == IPPROTO_ICMP) return;
        const std::size_t at = parts.ip + (parts.family == 6 ? 8 : 12), size = parts.family == 6 ? 32 : 8;
        std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at), size, bytes.begin());
        const std::size_t upper = parts.end - parts.l4;
        bytes[size] = static_cast<std::uint8_t>(upper >> 8);
        bytes[size + 1] = static_cast<std::uint8_t>(upper);
        bytes[size + 3] = parts.proto;
        length = size + 4;
    }
    [[nodiscard]] std::span<const std::uint8_t> span() const { return std::span(bytes).first(length); }
};

// Where the transport checksum of a whole packet stands.
std::optional<std::size_t> checksum_place(const FrameBytes& frame, const FrameParts& parts) {
    const auto field = checksum_field(parts);
    if (!field || parts.fragment || parts.l4 == 0 || parts.l4 + field->least > parts.end) return std::nullopt;
    const std::size_t at = parts.l4 + field->offset;
    if (parts.proto == IPPROTO_UDP && read16(frame, at) == 0)
        return std::nullopt;  // it says that it has none
    return at;
}

// What a sender leaves for its network card to complete: the sum of the pseudo header, not complemented.
bool is_left_to_the_card(const FrameBytes& frame, const FrameParts& parts, std::size_t at) {
    return read16(frame, at) ==
           static_cast<std::uint16_t>(~internet_checksum({PseudoHeader(frame, parts).span()}));
}

void set_transport_checksum(FrameBytes* frame, const FrameParts& parts, std::size_t at) {
    write16(frame, at, 0);
    const std::span<const std::uint8_t> payload(&(*frame)[parts.l4], parts.end - parts.l4);
    const std::uint16_t sum = internet_checksum({PseudoHeader(*frame, parts).span(), payload});
    write16(frame, at, parts.proto == IPPROTO_UDP && sum == 0 ? 0xffff : sum);
}

void set_ipv4_checksum(FrameBytes* frame, const FrameParts& parts) {
    if (parts.family != 4 || parts.l4 < parts.ip + 20 || parts.l4 > frame->size()) return;
    write16(frame, parts.ip + 10, 0);
    write16(frame, parts.ip + 10, internet_checksum({std::span(&(*frame)[parts.ip], parts.l4 - parts.ip)}));
}

}  // namespace

void Capture::Closer::operator()(pcap* handle) const { ::pcap_close(handle); }

Capture::Capture(std::string path, std::unique_ptr<pcap, Closer> handle, bool raw, const Mending& mending)
    : path_(std::move(path)), handle_(std::move(handle)), raw_(raw), mending_(mending) {
    struct stat about {};
    std::FILE* file = ::pcap_file(handle_.get());
    if (file != nullptr && ::fstat(::fileno(file), &about) == 0 && S_ISREG(about.st_mode))
        size_ = static_cast<std::uint64_t>(about.st_size);
}

Result<Capture> Capture::open(const std::string& path, const Mending& mending) {
    char why[PCAP_ERRBUF_SIZE] = "";
    std::unique_ptr<pcap, Closer> handle(
        ::pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, why));
    if (handle == nullptr) return fail("cannot read the capture {}: {}", path, why);
    const int link = ::pcap_datalink(handle.get());
    const bool raw = link == DLT_RAW || link == DLT_IPV6 || link == DLT_IPV4;
    if (!raw && link != DLT_EN10MB) {
        const char* name = ::pcap_datalink_val_to_name(link);
        return fail(
            "the capture {} has link type {}; Ethernet and raw IP can be read: capture on one interface, not "
            "on 'any'",
            path, name == nullptr ? std::to_string(link) : name);
    }
    return Capture(path, std::move(handle), raw, mending);
}

Result<bool> Capture::next(CapturedFrame* frame) {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int got = ::pcap_next_ex(handle_.get(), &header, &data);
    if (got == PCAP_ERROR_BREAK) return false;
    if (got != 1) return fail("the capture {} is damaged: {}", path_, ::pcap_geterr(handle_.get()));
    const std::size_t link = raw_ ? kEthernet : 0;
    frame->bytes.assign(link, 0);
    frame->bytes.insert(frame->bytes.end(), data, data + header->caplen);
    if (raw_) add_link_header(&frame->bytes);
    frame->number = ++frames_;
    frame->parts = mend(&frame->bytes, mending_, header->caplen < header->len);
    frame->time_ns =
        std::int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec;  // nanoseconds, as asked
    frame->on_wire = static_cast<std::uint32_t>(header->len + link);
    return true;
}

double Capture::done() const {
    if (size_ == 0) return 0;
    const auto at = ::ftello(::pcap_file(handle_.get()));
    return at < 0 ? 0 : std::min(1.0, static_cast<double>(at) / static_cast<double>(size_));
}

FrameParts mend(FrameBytes* frame, const Mending& mending, bool was_cut) {
    const bool everything = mending.what == Mending::What::everything;
    if (frame->size() > mending.most) {
        frame->resize(mending.most);
        was_cut = true;
    }
    FrameParts parts = parts_of(*frame);
    if (parts.family == 0) return parts;
    const bool shortened = parts.end > frame->size() && (was_cut || everything);
    if (shortened) shorten(frame, &parts);
    if (parts.end > frame->size()) return parts;
    const bool all = shortened || everything;
    if (const auto at = checksum_place(*frame, parts); at && (all || is_left_to_the_card(*frame, parts, *at)))
        set_transport_checksum(frame, parts, *at);
    if (all) set_ipv4_checksum(frame, parts);
    return parts;
}

}  // namespace dishwall
