// SPDX-License-Identifier: BSD-3-Clause
//
// Small changes of a frame in place, and the Internet checksum (RFC 1071) that goes with them. Frames are
// untagged Ethernet with IPv6 or IPv4 in them, walked before by dw_native_look().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "bpf/core/native.h"

namespace dishwall {

inline constexpr std::size_t kEthernetLength = 14;

// As on the wire, whatever the alignment.
[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* at) {
    return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
inline void store_be16(std::uint8_t* at, std::uint16_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}
inline void store_be32(std::uint8_t* at, std::uint32_t value) {
    store_be16(at, static_cast<std::uint16_t>(value >> 16));
    store_be16(at + 2, static_cast<std::uint16_t>(value));
}

// A sum of 16-bit words that is not folded yet. Added pieces but the last have an even length.
class WireSum {
public:
    WireSum& add(std::span<const std::uint8_t> bytes);
    WireSum& add(std::uint32_t word) {
        sum_ += word;
        return *this;
    }
    // The complement of the folded sum, as it stands in a header; 0 when what was added has a right checksum
    // in it.
    [[nodiscard]] std::uint16_t complement() const;

private:
    std::uint64_t sum_ = 0;
};

[[nodiscard]] bool is_ipv6(const std::uint8_t* frame);
// Source and destination address.
[[nodiscard]] std::span<const std::uint8_t> addresses_of(const std::uint8_t* frame);
[[nodiscard]] WireSum pseudo_sum(const std::uint8_t* frame, std::uint8_t proto, std::size_t length);

enum class Checksum : std::uint8_t { right, wrong };

// Looks at the transport checksum of a whole packet, and completes one that its sender left to a NIC that it
// never met (it came over veth or virtio, and has the sum of the pseudo-header only): behind AF_XDP nobody
// would.
[[nodiscard]] Checksum check_and_complete(std::uint8_t* frame, const dw_sight& sight);

// The same question about a datagram put together from fragments; `frame` is its first one's.
[[nodiscard]] bool datagram_is_right(const std::uint8_t* frame, const dw_sight& sight,
                                     std::span<const std::uint8_t> transport);

// Clears URG and the urgent pointer, and mends the checksum (RFC 1624).
void clear_urgent(std::uint8_t* tcp);

}  // namespace dishwall
