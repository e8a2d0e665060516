// SPDX-License-Identifier: BSD-3-Clause
//
// Reading rtnetlink messages: each length is checked before a byte is looked at.
#pragma once

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "rules/ipv6.h"

namespace dishwall {

template <typename Body>
const Body* body_of(const nlmsghdr* message) {
    if (mnl_nlmsg_get_payload_len(message) < sizeof(Body)) return nullptr;
    return static_cast<const Body*>(mnl_nlmsg_get_payload(message));
}

// mnl_attr_for_each assigns a void*, which is C.
template <typename Each>
void each_attribute(const nlmsghdr* message, std::size_t body_size, const Each& each) {
    const char* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
    const auto* at = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, body_size));
    for (; mnl_attr_ok(at, static_cast<int>(end - reinterpret_cast<const char*>(at))); at = mnl_attr_next(at))
        each(at);
}

// As many bytes as T has, or nothing.
template <typename T>
std::optional<T> value_in(const nlattr* attribute) {
    if (mnl_attr_get_payload_len(attribute) != sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof(T));
    return value;
}

inline std::optional<Ipv6Address> address_in(const nlattr* attribute) {
    const auto words = value_in<std::array<std::uint64_t, 2>>(attribute);
    if (!words) return std::nullopt;
    return Ipv6Address{__builtin_bswap64((*words)[0]), __builtin_bswap64((*words)[1])};
}

}  // namespace dishwall
