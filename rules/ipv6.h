// SPDX-License-Identifier: BSD-3-Clause
//
// IPv6 addresses and prefixes as values. Both are two host-order words, as in bpf/core/layout.h, so that
// masks and suffixes are plain arithmetic. A prefix cannot hold host bits: it is made by a function that
// checks. Text in and out follows RFC 4291 and RFC 5952.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dishwall {

struct Ipv6Address {
    std::uint64_t hi = 0;
    std::uint64_t lo = 0;

    auto operator<=>(const Ipv6Address&) const = default;
};

// "2001:db8::1" -> address. No zone, no brackets, no IPv4.
[[nodiscard]] std::optional<Ipv6Address> parse_ipv6(std::string_view text);
[[nodiscard]] std::string to_string(const Ipv6Address& address);

class Ipv6Prefix {
public:
    Ipv6Prefix() = default;  // ::/0

    // Length 0..128. Empty when the length is out of range or a host bit is set.
    [[nodiscard]] static std::optional<Ipv6Prefix> make(Ipv6Address address, unsigned length);
    // The same, with host bits cleared; `length` must be 0..128.
    [[nodiscard]] static Ipv6Prefix containing(Ipv6Address address, unsigned length);

    [[nodiscard]] Ipv6Address first() const { return address_; }
    [[nodiscard]] Ipv6Address last() const;
    [[nodiscard]] unsigned length() const { return length_; }
    [[nodiscard]] bool contains(const Ipv6Address& address) const;

    auto operator<=>(const Ipv6Prefix&) const = default;

private:
    Ipv6Prefix(Ipv6Address address, unsigned length) : address_(address), length_(length) {}

    Ipv6Address address_;
    unsigned length_ = 0;
};

// "2001:db8::/32" -> prefix. Empty for anything else, host bits set included.
[[nodiscard]] std::optional<Ipv6Prefix> parse_prefix(std::string_view text);
[[nodiscard]] std::string to_string(const Ipv6Prefix& prefix);

using MacAddress = std::array<std::uint8_t, 6>;

// The interface id that SLAAC makes of a MAC address: modified EUI-64, RFC 4291 appendix A.
[[nodiscard]] std::uint64_t interface_id_of(const MacAddress& mac);

}  // namespace dishwall
