// SPDX-License-Identifier: BSD-3-Clause
//
// Values as other firewalls write them. Each reader adds what it read to a condition; what it cannot read it
// adds to `unclear`, so that the condition means too much and is known to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/dishctl/import/condition.h"

namespace dishwall::import {

[[nodiscard]] std::vector<std::string_view> split(std::string_view text,
                                                  char separator);            // without empty parts
[[nodiscard]] std::optional<std::uint32_t> number_in(std::string_view text);  // decimal or 0x
[[nodiscard]] std::string lower_case(std::string_view text);

// "tcp", "ipv6-icmp", "50". Empty: nobody knows it.
[[nodiscard]] std::optional<std::uint8_t> protocol_named(std::string_view name);
void only_protocols(Condition* condition, const std::bitset<256>& protocols);

// "22", "80:90", "80-90", "https" -> its range.
[[nodiscard]] std::optional<PortRange> port_range(std::string_view text);
// Narrows the ports of one side, and the protocols to those that have some.
void only_ports(Condition* condition, bool source, Ports ports, bool negated);

// "128", "echo-request", "1/4". OpenWrt's names too.
void only_icmp_types(Condition* condition, const std::vector<std::string_view>& types, bool negated);

// "2001:db8::/32", "::10/::ffff:ffff:ffff:ffff", "2001:db8::1-2001:db8::9", OpenWrt's "::10/-64".
void only_addresses(Condition* condition, bool source, const std::vector<std::string>& addresses,
                    bool negated);
[[nodiscard]] bool is_ipv4(std::string_view text);

// Narrows the condition to a rate, of which there is one in a rule. The unit is s, m, h or d, or begins like
// these.
void only_rate(Condition* condition, std::uint64_t packets, std::string_view unit, std::uint64_t burst,
               std::optional<std::uint8_t> per_source);

// What `(flags & mask) == value` says of a segment that opens a flow: a SYN without ACK, RST and FIN.
enum class OfOpener { always, never, unknown };
[[nodiscard]] OfOpener flags_of_opener(unsigned mask, unsigned value);
// "syn" -> 2, "all" -> 63; empty: unknown
[[nodiscard]] std::optional<unsigned> tcp_flag_named(std::string_view name);

}  // namespace dishwall::import
