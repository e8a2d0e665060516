// SPDX-License-Identifier: BSD-3-Clause
//
// The place where the packet vectors happen: one rule file, and one moment of the line with a preferred, a
// deprecated and a withdrawn prefix.
#pragma once

#include "rules/lower.h"
#include "rules/own.h"
#include "rules/policy.h"

namespace dishwall::test {

inline constexpr const char* kWorldRules = R"(
version 1
uplink dish {
    interface eth0
    prefix pd from dhcpv6-pd
    prefix onlink from ra
    documentation-prefixes allow
}
network lan = dish.pd subnet 1 on br-lan
network dmz = dish.pd subnet 0x10
host nas = lan ::10
host gcp = 2001:db8:7::5
set admins = { 2001:db8:7::/48, gcp }
service web = tcp { 80, 443 }, udp 443
policy inbound on dish {
    accept service web to nas                          name web
    accept icmpv6 echo-request to { lan, self }        name ping
    accept tcp 22 from admins to self                  name ssh
    accept udp 51820 from gcp to self                  name vpn
    drop tcp 8080 from 2001:db8:66::/48 to lan         name blocked
    accept tcp { 8000-8100, 9000 } to lan              name dev
    reject tcp 113                                     name ident
    audit tcp 23                                       name telnet
    accept sctp 5000 to nas                            name sctp
    accept proto 50 to nas                             name esp
    accept udp 5353 from any port 5353 to lan          name peer-port
    accept icmpv6 200 to nas                           name never
}
policy outbound on dish {
    default accept
    drop tcp { 25, 445 }                               name carrier-blocked
}
)";

// The same world with more statements: in the uplink block, before the inbound rules, in the outbound policy.
[[nodiscard]] std::string world_rules_with(const std::string& uplink, const std::string& inbound = "",
                                           const std::string& outbound = "");

// Prefixes: pd 2001:db8:aa00::/56 preferred, 2001:db8:bb00::/56 deprecated, 2001:db8:cc00::/56 in grace;
// onlink 2001:db8:0:1::/64. MAC kUplinkMac. This box: fe80::1, 2001:db8:0:1::2 on the dish side, ::1 in lan.
[[nodiscard]] Own world_own();
[[nodiscard]] Policy read_or_throw(const std::string& rules);
// With counters 1000, 1001, ... by order.
[[nodiscard]] CompiledImage lower_or_throw(const Policy& policy);

}  // namespace dishwall::test
