// SPDX-License-Identifier: BSD-3-Clause
//
// The gateway that all benches speak of: its addresses, the services it publishes, and the rule file that
// says so. One description, so that what is offered, what dishwall allows and what nftables allows cannot
// drift apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/ipv6.h"

namespace dishwall::bench {

inline constexpr std::uint64_t kDelegation = 0x20010db8'aa000000;  // 2001:db8:aa00::/56, ours
inline constexpr std::uint64_t kLan = kDelegation | 1;             // its subnet 1
inline constexpr std::uint64_t kInternet = 0x20010db8'000f0000;    // 2001:db8:f::/64, where peers are

// Interface ids on the LAN: three ranges that do not touch.
inline constexpr std::uint64_t kInsideHosts = 0x2000;          // those that speak first
inline constexpr std::uint64_t kServiceHosts = 0x10000;        // one a published service
inline constexpr std::uint64_t kUnpublishedHosts = 0x1000000;  // 2^24, nobody may reach them

inline constexpr std::uint16_t kFirstServicePort = 8000;
inline constexpr std::uint16_t kServicePortMask = 0xfff;  // service n: port 8000 + (n & this)

struct PublishedService {
    std::uint64_t interface_id;
    std::uint16_t port;

    [[nodiscard]] Ipv6Address host() const { return {kLan, interface_id}; }
};

// `count` services (UDP), each on a host of its own.
[[nodiscard]] std::vector<PublishedService> published_services(unsigned count);

// version, uplink (with `more` lines in its block) and network of a rule file.
[[nodiscard]] std::string rule_file_head(const std::string& more = "");

// Accepts those and nothing else; everything may leave. One rule a service. `flow_table`: in flows.
[[nodiscard]] std::string rule_file(const std::vector<PublishedService>& services, unsigned flow_table);

}  // namespace dishwall::bench
