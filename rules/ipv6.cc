// SPDX-License-Identifier: BSD-3-Clause
#include "rules/ipv6.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace dishwall {
namespace {

// Of a hexadecimal digit; -1 for anything else.
int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::uint64_t word_of(const std::uint16_t* groups) {
    std::uint64_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 16 | groups[i];
    return word;
}

void store_be64(std::uint64_t word, unsigned char* bytes) {
    for (int i = 7; i >= 0; --i, word >>= 8) bytes[i] = static_cast<unsigned char>(word);
}

// The host bits of a prefix of this length, as an address.
Ipv6Address host_mask(unsigned length) {
    if (length == 0) return {~0ull, ~0ull};
    if (length < 64) return {~0ull >> length, ~0ull};
    if (length < 128) return {0, length == 64 ? ~0ull : ~0ull >> (length - 64)};
    return {0, 0};
}

}  // namespace

// RFC 4291 section 2.2, forms 1 and 2. By hand: a feed has a million of them, and inet_pton wants a string of
// its own for each.
std::optional<Ipv6Address> parse_ipv6(std::string_view text) {
    std::array<std::uint16_t, 8> groups{};
    std::size_t count = 0, at = 0;
    std::optional<std::size_t> gap;  // groups before `::`
    if (text.substr(0, 2) == "::") {
        gap = 0;
        at = 2;
    }
    while (at < text.size()) {
        const std::size_t begin = at;
        unsigned value = 0;
        for (int digit = 0; at < text.size() && (digit = hex_digit(text[at])) >= 0; ++at)
            value = value << 4 | static_cast<unsigned>(digit);
        if (at == begin || at - begin > 4 || count == groups.size()) return std::nullopt;
        groups[count++] = static_cast<std::uint16_t>(value);
        if (at == text.size()) break;
        if (text[at++] != ':' || at == text.size()) return std::nullopt;
        if (text[at] != ':') continue;
        if (gap) return std::nullopt;
        gap = count;
        ++at;
    }
    if (gap ? count == groups.size() : count != groups.size()) return std::nullopt;
    if (gap)
        std::rotate(groups.begin() + static_cast<std::ptrdiff_t>(*gap),
                    groups.begin() + static_cast<std::ptrdiff_t>(count), groups.end());
    return Ipv6Address{word_of(groups.data()), word_of(groups.data() + 4)};
}

std::string to_string(const Ipv6Address& address) {
    std::array<unsigned char, 16> bytes;
    std::array<char, INET6_ADDRSTRLEN> text;
    store_be64(address.hi, bytes.data());
    store_be64(address.lo, bytes.data() + 8);
    const std::string printed = inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
    if (printed.find('.') == printed.npos) return printed;
    // The C library writes the last 32 bits of ::/96 and ::ffff:0:0/96 as IPv4; we read none of that.
    const char* head = address.lo >> 32 == 0 ? "::" : "::ffff:";
    return fmt::format("{}{:x}:{:x}", head, address.lo >> 16 & 0xffff, address.lo & 0xffff);
}

std::optional<Ipv6Prefix> Ipv6Prefix::make(Ipv6Address address, unsigned length) {
    if (length > 128) return std::nullopt;
    const Ipv6Address host = host_mask(length);
    if ((address.hi & host.hi) != 0 || (address.lo & host.lo) != 0) return std::nullopt;
    return Ipv6Prefix(address, length);
}

Ipv6Prefix Ipv6Prefix::containing(Ipv6Address address, unsigned length) {
    const Ipv6Address host = host_mask(length);
    return {{address.hi & ~host.hi, address.lo & ~host.lo}, length};
}

Ipv6Address Ipv6Prefix::last() const {
    const Ipv6Address host = host_mask(length_);
    return {address_.hi | host.hi, address_.lo | host.lo};
}

bool Ipv6Prefix::contains(const Ipv6Address& address) const {
    return containing(address, length_).address_ == address_;
}

std::optional<Ipv6Prefix> parse_prefix(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == text.npos) return std::nullopt;
    const std::optional<Ipv6Address> address = parse_ipv6(text.substr(0, slash));
    const std::string_view digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (!address || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return Ipv6Prefix::make(*address, length);
}

std::string to_string(const Ipv6Prefix& prefix) {
    return to_string(prefix.first()) + "/" + std::to_string(prefix.length());
}

std::uint64_t interface_id_of(const MacAddress& mac) {
    std::uint64_t id = 0;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        if (i == 3) id = id << 16 | 0xfffe;              // between the halves
        id = id << 8 | (i == 0 ? mac[i] ^ 2u : mac[i]);  // the universal bit turned over
    }
    return id;
}

}  // namespace dishwall
