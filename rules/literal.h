// SPDX-License-Identifier: BSD-3-Clause
//
// Words that stand for values: numbers, durations, addresses, prefixes. Each reader says itself what is
// wrong with a word; an empty answer means that it did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/ipv6.h"
#include "rules/policy.h"

namespace dishwall {

// Reports a word that cannot be a name, or has a meaning of its own in a rule.
[[nodiscard]] bool check_name(const ast::Word& name, Diagnostics* diagnostics);

// Decimal, or hexadecimal after 0x. Empty when it is anything else; too big a number is UINT64_MAX.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

struct Bounds {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
};

// `what` names the value in errors: "a subnet number".
[[nodiscard]] std::optional<std::uint64_t> read_number(const ast::Word& word, std::string_view what,
                                                       Bounds bounds, Diagnostics* diagnostics);

// 300s, 5m, 2h, 1d: seconds.
[[nodiscard]] std::optional<std::uint64_t> read_duration(const ast::Word& word, Bounds bounds_s,
                                                         Diagnostics* diagnostics);

// 4096, 256K, 1M, 2G: bytes, in powers of 1024.
[[nodiscard]] std::optional<std::uint64_t> read_bytes(const ast::Word& word, Bounds bounds,
                                                      Diagnostics* diagnostics);

// An address is a prefix of length 128.
[[nodiscard]] std::optional<Ipv6Prefix> read_prefix(const ast::Word& word, Diagnostics* diagnostics);

// ::10 -> 0x10; the first 64 bits must be zero.
[[nodiscard]] std::optional<std::uint64_t> read_interface_id(const ast::Word& word, Diagnostics* diagnostics);

// 02:11:22:33:44:55 of one device: neither a group's nor all zero.
[[nodiscard]] std::optional<MacAddress> read_mac(const ast::Word& word, Diagnostics* diagnostics);

// RFC 1123 host names; `also` are characters that are allowed besides. -> lower case, without a final dot.
[[nodiscard]] std::optional<std::string> read_domain(const ast::Word& word, std::string_view also,
                                                     Diagnostics* diagnostics);

// accept, drop, reject, reject-late, audit.
[[nodiscard]] std::optional<dw_verdict> verdict_of(std::string_view word);

}  // namespace dishwall
