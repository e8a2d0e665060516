// SPDX-License-Identifier: BSD-3-Clause
//
// Addresses, protocols and times as the control protocol writes them: Hubble's field names (IP, l4), RFC 5952
// addresses, ISO 8601 times. Flows and events share these.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "bpf/core/layout.h"
#include "rules/ipv6.h"

namespace dishwall {

inline Ipv6Address address_of(const dw_in6& words) { return {words.hi, words.lo}; }

// Flow keys and events hold IPv4 addresses as ::ffff:a.b.c.d only.
[[nodiscard]] inline bool is_ipv4(const dw_in6& address) {
    return address.hi == 0 && address.lo >> 32 == 0xffff;
}
// "2001:db8::1", and "192.0.2.1" for ::ffff:192.0.2.1.
[[nodiscard]] std::string address_text(const dw_in6& address);

[[nodiscard]] bool is_icmp(std::uint8_t proto);
// "TCP", "ICMPv6", "proto-50".
[[nodiscard]] std::string protocol_name(std::uint8_t proto);

// {"source", "destination", "ipVersion"}
[[nodiscard]] nlohmann::json ip_json(const dw_in6& source, const dw_in6& destination);
// {"TCP": {"source_port", "destination_port"}}; protocols without ports: {"GRE": {}}
[[nodiscard]] nlohmann::json l4_json(std::uint8_t proto, std::uint16_t source_port,
                                     std::uint16_t destination_port);

}  // namespace dishwall
