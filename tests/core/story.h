// SPDX-License-Identifier: BSD-3-Clause
//
// The words in which vectors are told: who is who in the world of world.h, and one step a word.
#pragma once

#include "tests/core/vectors.h"
#include "tests/core/world.h"

namespace dishwall::test {

inline constexpr const char* kPeer = "2001:db8:1::1";
inline constexpr const char* kNas = "2001:db8:aa00:1::10";
inline constexpr const char* kOldNas = "2001:db8:bb00:1::10";
inline constexpr const char* kGoneNas = "2001:db8:cc00:1::10";
inline constexpr const char* kLaptop = "2001:db8:aa00:1::77";
inline constexpr const char* kBox = "2001:db8:0:1::2";
inline constexpr const char* kBoxLinkLocal = "fe80::1";
inline constexpr const char* kRouter = "fe80::face";
inline constexpr const char* kHop = "2001:db8:99::1";  // some router on the way

[[nodiscard]] Packet from_to(const char* src, const char* dst, std::uint8_t hop_limit = 64);

[[nodiscard]] Step in(const Bytes& frame, dw_reason reason, dw_verdict verdict);
[[nodiscard]] Step in_drop(const Packet& packet, dw_reason reason);
[[nodiscard]] Step in_accept(const Packet& packet, dw_reason reason);
[[nodiscard]] Step in_reject(const Packet& packet, dw_reason reason);
[[nodiscard]] Step out_drop(const Packet& packet, dw_reason reason);
[[nodiscard]] Step out_accept(const Packet& packet, dw_reason reason);

// An ICMPv6 error about `quoted`.
[[nodiscard]] Packet error(std::uint8_t type, std::uint8_t code, const char* src, const char* dst,
                           const Packet& quoted);

// A TCP connection's segments. Sequence numbers count from each side's first one.
struct Talk {
    struct Segment {
        std::uint8_t flags = kAck;
        std::uint32_t seq = 0, ack = 0;
        std::size_t length = 0;
        std::uint16_t window = 65535;
        std::optional<std::uint8_t> scale;
        std::optional<std::uint16_t> checksum;
    };
    const char* inside = kNas;
    const char* outside = kPeer;
    std::uint16_t inside_port = 443, outside_port = 40000;
    std::uint32_t inside_isn = 5000, outside_isn = 1000;

    [[nodiscard]] Packet in(const Segment& s) const;
    [[nodiscard]] Packet out(const Segment& s) const;
    // The handshake of a connection that was opened from outside and accepted by a rule, or from inside.
    [[nodiscard]] std::vector<Step> opened_from_outside() const;
    [[nodiscard]] std::vector<Step> opened_from_inside() const;
};

[[nodiscard]] std::vector<Step> operator+(std::vector<Step> a, const std::vector<Step>& b);

// The same step again and again.
[[nodiscard]] std::vector<Step> times(unsigned count, const Step& step);

}  // namespace dishwall::test
