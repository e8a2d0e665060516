// SPDX-License-Identifier: BSD-3-Clause
//
// Policies with records, and states of the line, for the tests of control/dns.
#pragma once

#include <string>
#include <vector>

#include "control/dns/wanted_addresses.h"
#include "rules/own.h"
#include "rules/policy.h"

namespace dishwall {

constexpr std::uint32_t kCamId = 77;
constexpr MacAddress kCamMac{0x02, 0x11, 0x22, 0x33, 0x44, 0x55};  // interface id ::11:22ff:fe33:4455

inline Ipv6Address addr(const std::string& text) { return *parse_ipv6(text); }
inline Addresses addrs(const std::vector<std::string>& texts) {
    Addresses all;
    for (const std::string& text : texts) all.insert(addr(text));
    return all;
}
inline std::string text_of(const Addresses& addresses) {
    std::string all;
    for (const Ipv6Address& address : addresses) all += (all.empty() ? "" : " ") + to_string(address);
    return all;
}

inline LivePrefix live(const std::string& prefix, dw_prefix_state state = DW_PREFIX_PREFERRED,
                       unsigned source = 0, bool onlink = false) {
    return {*parse_prefix(prefix), source, state, onlink};
}
inline Own own_of(std::vector<LivePrefix> prefixes, const std::vector<std::string>& cam = {}) {
    Own own{.prefixes = std::move(prefixes)};
    for (const std::string& text : cam) own.learnt.push_back({addr(text), kCamId});
    tidy(&own.learnt);
    return own;
}

inline AddressElement behind(std::uint16_t subnet, std::uint64_t id, unsigned source = 0) {
    return Behind{source, subnet, id};
}

// Source 0 is a delegation, source 1 the dish's own network. Hosts: 0 nas (subnet 1, ::10), 1 cam (by
// device), 2 anywhere (::20 in subnets 1 and 2), 3 out (2001:db8:ffff::1), 4 me (self), 5 dish (::30 on the
// dish).
inline Policy home() {
    Policy policy;
    policy.learnt = {{"cam", kCamId, DeviceHost{0, kCamMac}, {}},
                     {"tokyo", 78, DomainHost{"vpn.example"}, {}}};
    policy.hosts = {{"nas", {behind(1, 0x10)}, {}},
                    {"cam", {Learnt{kCamId}}, {}},
                    {"anywhere", {behind(1, 0x20), behind(2, 0x20)}, {}},
                    {"out", {*parse_prefix("2001:db8:ffff::1/128")}, {}},
                    {"me", {Self{}}, {}},
                    {"dish", {behind(0, 0x30, 1)}, {}},
                    {"tokyo", {Learnt{78}}, {}}};
    return policy;
}
inline DnsUpdate zone(const std::string& name, std::vector<DnsRecord> records) {
    return {name, DnsUpdate::Nsupdate{"2001:db8::53", 53, ""}, std::move(records), {}};
}
inline DnsUpdate exec_zone(const std::string& name, const std::string& program,
                           std::vector<DnsRecord> records) {
    return {name, DnsUpdate::Exec{program}, std::move(records), {}};
}

}  // namespace dishwall
