// SPDX-License-Identifier: BSD-3-Clause
//
// A frame read a second time, slowly, from the RFCs and requirements.md, for the shadow model (shadow.h). It
// shares nothing with bpf/core/parse.h: it copies bytes about and asks each question in words, so that what
// the two disagree on is a bug in one of them.
#pragma once

#include <optional>
#include <string>

#include "rules/evaluate.h"
#include "rules/own.h"
#include "rules/policy.h"
#include "tests/core/packet.h"

namespace dishwall::test {

struct SlowFragment {
    unsigned offset = 0;  // in units of 8 bytes
    unsigned units = 0;   // how many it fills, the last one perhaps in part
    bool last = false;
    std::uint64_t id = 0;  // IPv4: with the protocol
};

struct SlowTcp {
    std::uint8_t flags = 0;
    std::uint32_t seq = 0, ack = 0;
    std::uint32_t occupied = 0;  // payload, SYN and FIN
    std::uint16_t window = 0;
    std::optional<std::uint8_t> scale;
};

struct SlowPacket {
    Mac mac{};                    // that the frame is for
    std::uint16_t ethertype = 0;  // behind the uplink's tag
    unsigned family = 0;          // 6, 4, or 0 for what is neither
    Ipv6Address src, dst;         // IPv4: ::ffff:a.b.c.d
    std::uint8_t hop_limit = 0;
    std::optional<SlowFragment> fragment;
    bool atomic = false;  // a fragment header around a whole datagram (RFC 6946)
    bool routed = false;
    std::uint8_t proto = 0;
    Bytes body;  // from the transport header to the end of the IP packet; of a later fragment, its part
    std::size_t body_at = 0;  // its offset in the frame
    std::uint16_t source_port = 0, destination_port = 0;
    SlowTcp tcp;
    std::uint8_t icmp_type = 0, icmp_code = 0;
    std::uint16_t icmp_id = 0;

    [[nodiscard]] bool is_later_fragment() const { return fragment && fragment->offset != 0; }
    [[nodiscard]] bool is_icmp() const { return proto == (family == 6 ? 58 : 1); }
    [[nodiscard]] bool is_icmp_error() const;
    [[nodiscard]] bool asks_for_echo() const;
    [[nodiscard]] bool answers_echo() const;
};

struct SlowReading {
    SlowPacket packet;
    std::string fault;  // why no policy may let such a frame pass; empty: well-formed
};

[[nodiscard]] SlowReading read_slowly(const Bytes& frame, Direction direction, const Uplink& uplink);
// An IP packet as an ICMP error quotes it: cut anywhere behind the first eight bytes of its transport header.
[[nodiscard]] SlowReading read_quoted(const Bytes& packet, unsigned family);

// Is the transport checksum right? One that cannot be told from this frame alone counts as right, and so does
// the bare sum of the pseudo-header, which a NIC would have completed.
[[nodiscard]] bool checksum_is_right(const SlowPacket& packet);
// The 16-bit sum of the pseudo-header and the body, and where in the body it stands; empty: a protocol
// without.
struct Checksum {
    std::size_t at;
    std::uint16_t value;  // that the field should have
};
[[nodiscard]] std::optional<Checksum> checksum_of(const SlowPacket& packet);

}  // namespace dishwall::test
