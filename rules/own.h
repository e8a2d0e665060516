// SPDX-License-Identifier: BSD-3-Clause
//
// What is ours at this moment: the live prefixes and this box's own addresses. The control plane keeps it
// up to date, the evaluator reads it as it is, and `encode` writes the form that the packet core reads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/core/layout.h"
#include "rules/ipv6.h"
#include "rules/result.h"

namespace dishwall {

struct LivePrefix {
    Ipv6Prefix prefix;    // length 48..64
    unsigned source = 0;  // index of the prefix statement
    dw_prefix_state state = DW_PREFIX_PREFERRED;
    bool onlink = false;  // shared with the dish segment (a `from ra` prefix)

    auto operator<=>(const LivePrefix&) const = default;
};

// An address that a learnt host uses at this moment.
struct LearntAddress {
    Ipv6Address address;
    std::uint32_t host = 0;  // LearntHost::id

    auto operator<=>(const LearntAddress&) const = default;
};

struct Own {
    std::vector<LivePrefix> prefixes;  // at most DW_PREFIXES; the longest match wins, then the first
    std::vector<Ipv6Address> self;     // any order, link-local included
    std::array<std::uint8_t, 6> mac{};  // of the uplink; all zero: not known
    std::vector<LearntAddress> learnt;  // as `tidy` leaves it

    bool operator==(const Own&) const = default;
};

// Where an address lies behind the line.
struct Located {
    unsigned slot = 0;  // index into Own::prefixes
    std::uint16_t subnet = 0;
};
[[nodiscard]] std::optional<Located> locate(const Own& own, const Ipv6Address& address);
[[nodiscard]] bool is_self(const Own& own, const Ipv6Address& address);
[[nodiscard]] bool is_learnt(const Own& own, const Ipv6Address& address, std::uint32_t host);

// Sorts, removes doubles, and what the layout has no room for: more than DW_LEARNT_MAX addresses, or
// DW_LEARNT_HOSTS hosts at one address. Returns how many found no room: they are unknown, so closed.
std::size_t tidy(std::vector<LearntAddress>* learnt);

// `before` is what is in force until now (all zero: nothing): what learnt hosts have lost is counted from there.
// `out` is another table, with anything that was encoded before or all zero. Fails when there are more prefixes
// or addresses than the layout holds; `out` is then untouched.
[[nodiscard]] Result<void> encode(const Own& own, const dw_own& before, dw_own* out);
// For one table that changes where it stands.
[[nodiscard]] Result<void> encode(const Own& own, dw_own* table);

}  // namespace dishwall
