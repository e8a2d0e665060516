// SPDX-License-Identifier: BSD-3-Clause
#include "bench/renumber/many_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/ipv6.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kHosts = 100;
constexpr unsigned kFirstId = 0x1000, kFirstPort = 10000, kClosedPort = 9;

struct Opened {
    unsigned host, port;
};
Opened opened_by(unsigned rule) { return {rule % kHosts, kFirstPort + rule / kHosts}; }

std::string packet_to(std::uint64_t lan, unsigned host, unsigned port) {
    return fmt::format("in tcp [2001:db8:f::1]:40000 > [{}]:{} S",
                       to_string(Ipv6Address{lan, kFirstId + host}), port);
}

}  // namespace

std::string many_rules(unsigned rules) {
    std::string text =
        "version 1\n"
        "uplink dish {\n"
        "    interface up0\n"
        "    prefix pd from dhcpv6-pd\n"
        "    grace 0s\n"
        "    documentation-prefixes allow\n"
        "}\n"
        "network lan = dish.pd subnet 0x1\n";
    for (unsigned host = 0; host < std::min(rules, kHosts); ++host)
        text += fmt::format("host h{} = lan ::{:x}\n", host, kFirstId + host);
    text += "policy inbound on dish {\n    default drop\n";
    for (unsigned rule = 0; rule < rules; ++rule) {
        const Opened opened = opened_by(rule);
        text += fmt::format("    accept tcp {} to h{}{}\n", opened.port, opened.host,
                            rule + 1 == rules ? " name last" : "");
    }
    return text + "}\n";
}

std::string packet_of_last_rule(unsigned rules, std::uint64_t lan) {
    const Opened opened = opened_by(rules - 1);
    return packet_to(lan, opened.host, opened.port);
}

std::string packet_of_no_rule(std::uint64_t lan) { return packet_to(lan, 0, kClosedPort); }

}  // namespace dishwall::bench
