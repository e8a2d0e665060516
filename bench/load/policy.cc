// SPDX-License-Identifier: BSD-3-Clause
#include "bench/load/policy.h"

#include <fmt/format.h>

#include <random>
#include <set>
#include <vector>

#include "bench/live/packet_set.h"
#include "bench/published.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kHosts = 100;  // many ports on few hosts, as in real files
constexpr unsigned kFirstPort = 10000, kClosedPort = 9;
constexpr std::uint64_t kListed = kInternet + 7;  // the /64 of peers that the feed has

struct Opened {
    std::uint64_t interface_id;
    unsigned port;
};
Opened opened_by(unsigned rule) { return {kServiceHosts + rule % kHosts, kFirstPort + rule / kHosts}; }

// Those that open something: the first rule of all is the feed's.
unsigned openings(const PolicySize& size) { return size.feed == 0 ? size.rules : size.rules - 1; }

// Networks all over 2400::/6, each a /48, and the one that is sent from; always the same ones.
std::set<std::string> listed_networks(const PolicySize& size) {
    std::mt19937_64 random(1);
    std::set<std::string> networks{to_string(Ipv6Address{kListed, 0}) + "/64"};
    while (networks.size() < size.feed)
        networks.insert(to_string(Ipv6Address{0x24ull << 56 | (random() >> 6 & ~0xffffull), 0}) + "/48");
    return networks;
}

// `content`: of the chain, and what stands before it in the table. One transaction, as a reload is.
std::string nft_table(const std::string& sets, const std::string& rules) {
    return "table inet gate\ndelete table inet gate\ntable inet gate {\n" + sets +
           "  chain forward { type filter hook forward priority 0; policy drop;\n" + rules + "  }\n}\n";
}

std::string nft_feed(const PolicySize& size) {
    if (size.feed == 0) return "";
    return fmt::format("  set listed {{ type ipv6_addr; flags interval\n    elements = {{ {} }} }}\n",
                       fmt::join(listed_networks(size), ", "));
}

std::string nft_open_set(const PolicySize& size) {
    std::vector<std::string> elements;
    for (unsigned rule = 0; rule < openings(size); ++rule) {
        const Opened opened = opened_by(rule);
        elements.push_back(
            fmt::format("{} . {}", to_string(Ipv6Address{kLan, opened.interface_id}), opened.port));
    }
    return fmt::format("  set open {{ type ipv6_addr . inet_service\n    elements = {{ {} }} }}\n",
                       fmt::join(elements, ", "));
}

std::string nft_feed_rule(const PolicySize& size) {
    return size.feed == 0 ? "" : "    ip6 saddr @listed counter drop\n";
}

dw_traffic to_port(unsigned rule, unsigned port, std::uint64_t network) {
    dw_traffic set = inbound_traffic(true, {kIspMac, kUplinkMac, network, kLan});
    set.inside_base = opened_by(rule).interface_id;
    set.inside_port_base = static_cast<std::uint16_t>(port);
    set.peer_mask = ~0ull;
    set.peer_port_base = 40000;
    return set;
}

}  // namespace

std::string dishwall_rules(const PolicySize& size) {
    std::string text = rule_file_head() + (size.feed == 0 ? "" : "feed listed = file \"feed.txt\"\n");
    for (unsigned host = 0; host < kHosts; ++host)
        text += fmt::format("host h{} = lan ::{:x}:{:x}\n", host, (kServiceHosts + host) >> 16,
                            (kServiceHosts + host) & 0xffff);
    text += "policy inbound on dish {\n    default drop\n";
    if (size.feed != 0) text += "    drop from feed listed\n";
    for (unsigned rule = 0; rule < openings(size); ++rule)
        text += fmt::format("    accept udp {} to h{}\n", opened_by(rule).port, rule % kHosts);
    return text + "}\n";
}

std::string feed_text(const PolicySize& size) {
    return fmt::format("{}\n", fmt::join(listed_networks(size), "\n"));
}

std::string nft_rules(const PolicySize& size, NftShape shape) {
    if (shape == NftShape::sets)
        return nft_table(
            nft_feed(size) + nft_open_set(size),
            nft_feed_rule(size) + "    meta l4proto udp ip6 daddr . udp dport @open counter accept\n");
    std::string rules = nft_feed_rule(size);
    for (unsigned rule = 0; rule < openings(size); ++rule)
        rules +=
            fmt::format("    ip6 daddr {} udp dport {} counter accept\n",
                        to_string(Ipv6Address{kLan, opened_by(rule).interface_id}), opened_by(rule).port);
    return nft_table(nft_feed(size), rules);
}

std::string empty_dishwall_rules() {
    return rule_file_head() + "policy inbound on dish {\n    default drop\n}\n";
}

std::string empty_nft_rules() { return nft_table("", ""); }

std::vector<Probe> probes(const PolicySize& size) {
    const unsigned last = openings(size) - 1;
    std::vector<Probe> all = {{"the last rule's port", to_port(last, opened_by(last).port, kInternet), true},
                              {"a port of no rule", to_port(last, kClosedPort, kInternet), false}};
    if (size.feed != 0)
        all.push_back(
            {"the last rule's port, from the feed", to_port(last, opened_by(last).port, kListed), false});
    return all;
}

}  // namespace dishwall::bench
