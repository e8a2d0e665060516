// SPDX-License-Identifier: BSD-3-Clause
#include "bench/micro/cases.h"

#include <arpa/inet.h>

#include <cstring>

#include "bench/published.h"
#include "bpf/core/reason.h"
#include "tests/core/executor.h"
#include "tests/core/names.h"

namespace dishwall::bench {
namespace {

using test::Ethernet;
using test::Extension;
using test::Fragment;
using test::Ipv6;
using test::Payload;
using test::Tcp;
using test::Udp;

constexpr std::size_t kSourceLow = 14 + 8 + 12;  // the last four bytes of the IPv6 source
constexpr std::size_t kDestinationLow = kSourceLow + 16;
constexpr std::uint16_t kFlowPort = 40000;  // of the inside host and of its peers

std::string peer() { return to_string(Ipv6Address{kInternet, 0x100000000}); }

// A payload whose last four bytes `vary` may use.
Payload room() { return {.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}}; }

std::string lan_host(std::uint64_t interface_id) { return to_string(Ipv6Address{kLan, interface_id}); }

Ipv6 to_host(std::uint64_t interface_id) { return {.src = peer(), .dst = lan_host(interface_id)}; }

// A bijection: peers of different numbers are different and lie far apart, as on the Internet. (0 stays 0.)
std::uint32_t scatter(std::uint32_t n) {
    n = (n ^ n >> 16) * 0x85ebca6b;
    n = (n ^ n >> 13) * 0xc2b2ae35;
    return n ^ n >> 16;
}

void vary(Bytes& frame, std::size_t at, std::uint32_t n) {
    const std::uint32_t big_endian = htonl(scatter(n)), complement = ~big_endian;
    std::memcpy(frame.data() + at, &big_endian, 4);
    std::memcpy(frame.data() + frame.size() - 4, &complement, 4);
}

}  // namespace

std::vector<Case> inbound_cases() {
    const PublishedService last = published_services(kMicroServices).back();
    const Ipv6 unpublished = to_host(kUnpublishedHosts), published = to_host(last.interface_id);
    const Udp service{.dport = last.port};
    const Extension hop_by_hop{.kind = 0}, options{.kind = 60};
    return {
        {"deny", (Ethernet{} / unpublished / Udp{} / room()).bytes(), DW_REASON_DEFAULT_DROP},
        {"deny_syn", (Ethernet{} / unpublished / Tcp{} / room()).bytes(), DW_REASON_DEFAULT_DROP},
        {"accept_by_last_rule", (Ethernet{} / published / service / room()).bytes(), DW_REASON_RULE_ACCEPT},
        {"established",
         (Ethernet{} / to_host(kInsideHosts) / Udp{.sport = kFlowPort, .dport = kFlowPort} / room()).bytes(),
         DW_REASON_FLOW, true},
        {"deny_behind_3_extension_headers",
         (Ethernet{} / unpublished / hop_by_hop / options / options / Udp{} / room()).bytes(),
         DW_REASON_DEFAULT_DROP},
        {"deny_first_fragment", (Ethernet{} / unpublished / Fragment{.more = true} / Udp{} / room()).bytes(),
         DW_REASON_DEFAULT_DROP},
        {"later_fragment", (Ethernet{} / unpublished / Fragment{.offset = 100, .next = 17} / room()).bytes(),
         DW_REASON_FRAGMENT_STRAY},
    };
}

void vary_inbound(Bytes& frame, std::uint32_t n) { vary(frame, kSourceLow, n); }

Bytes opening_frame() {
    return (Ethernet{} / Ipv6{.src = lan_host(kInsideHosts), .dst = peer()} /
            Udp{.sport = kFlowPort, .dport = kFlowPort} / room())
        .bytes();
}

void vary_outbound(Bytes& frame, std::uint32_t n) { vary(frame, kDestinationLow, n); }

std::string difference(const Case& c, const dw_outcome& outcome) {
    if (outcome.reason == c.reason) return "";
    return fmt::format("expected {}, came to {}", test::reason_name(c.reason), test::describe(outcome));
}

}  // namespace dishwall::bench
