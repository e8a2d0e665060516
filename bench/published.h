// SPDX-License-Identifier: BSD-3-Clause
//
// The gateway that all benches speak of: its addresses, the services it publishes, and the rule file that
// says so. One description, so that what is offered, what dishwall allows and what its peers allow cannot
// drift apart. Services follow from their number by arithmetic, so that the generator needs no table of them:
// a table of 100,000 would take the very cache that the device under test is measured by.
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
inline constexpr std::uint64_t kServiceHosts = 0x10000;        // two published services each
inline constexpr std::uint64_t kUnpublishedHosts = 0x1000000;  // 2^24, nobody may reach them

inline constexpr std::uint16_t kTcpServicePort = 443;     // service 0, on the first host
inline constexpr std::uint16_t kFirstServicePort = 8000;  // service n, UDP: 8000 + 8 * (n & this)
inline constexpr std::uint16_t kServiceNumberInPort = 0xfff;
inline constexpr unsigned kServicePortShift = 3, kServiceHostShift = 1;
inline constexpr unsigned kMostPortsEach = 1u << kServicePortShift;
inline constexpr unsigned kMostServices = 131072;  // two on each of 65,536 hosts, the most of a rule file

struct PublishedService {
    std::uint64_t interface_id;
    std::uint16_t port, last_port;
    bool tcp;

    [[nodiscard]] Ipv6Address host() const { return {kLan, interface_id}; }
    [[nodiscard]] const char* protocol() const { return tcp ? "tcp" : "udp"; }
    [[nodiscard]] std::string ports() const;  // "8000", "8000-8003"
};

// Service 0 is TCP, for SYN floods, the others are UDP. `ports_each`: a power of two, at most kMostPortsEach.
[[nodiscard]] std::vector<PublishedService> published_services(unsigned count, unsigned ports_each = 1);

// version, uplink (with `more` lines in its block) and network of a rule file.
[[nodiscard]] std::string rule_file_head(const std::string& more = "");

// Accepts those and nothing else; everything may leave. One named rule a service; when there are more
// services than rules may be (DW_RULES_MAX), one for the two of a host. `flow_table`: in flows.
[[nodiscard]] std::string rule_file(const std::vector<PublishedService>& services, unsigned flow_table);

}  // namespace dishwall::bench
