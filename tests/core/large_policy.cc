// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/large_policy.h"

#include <netinet/in.h>

#include <algorithm>
#include <iterator>

namespace dishwall::test {
namespace {

constexpr unsigned kSubnets = 8, kHosts = 100, kFirstPort = 10000, kManyHosts = 0x20000;
constexpr std::uint64_t kFirstHost = 0x1000;
constexpr std::uint16_t kCommonPorts[] = {22, 53, 80, 443, 8080, 51820};

AddressSet to_host(std::uint64_t interface_id, std::uint16_t subnet = 1) {
    return {false, {Behind{0, subnet, interface_id}}, {}};
}

Rule rule_for(std::uint8_t proto, PortRange port, AddressSet to, AddressSet from = {}) {
    Rule rule;
    rule.verdict = DW_ACCEPT;
    rule.match.push_back({proto, {port}, {}});
    rule.to = std::move(to);
    rule.from = std::move(from);
    return rule;
}

PortRange one(unsigned port) {
    const auto number = static_cast<std::uint16_t>(port);
    return {number, number};
}

std::uint64_t service_key(std::uint8_t proto, std::uint16_t port) { return std::uint64_t{proto} << 16 | port; }

// The interface ids of a set that names nothing but whole places, else none.
std::vector<std::uint64_t> places_of(const AddressSet& set) {
    std::vector<std::uint64_t> ids;
    for (const AddressElement& element : set.include) {
        const auto* behind = std::get_if<Behind>(&element);
        if (behind == nullptr || !behind->interface_id) return {};
        ids.push_back(*behind->interface_id);
    }
    return set.any ? std::vector<std::uint64_t>{} : ids;
}

bool names_one_port(const Rule& rule) {
    const ProtocolMatch& match = rule.match.front();
    return rule.match.size() == 1 && match.proto && match.ports.size() == 1 &&
           match.ports[0].first == match.ports[0].last;
}

}  // namespace

std::string_view name_of(Shape shape) {
    constexpr std::string_view kNames[] = {"services", "hosts", "ranges", "sources", "mixed", "feed"};
    return kNames[static_cast<unsigned>(shape)];
}

LargePolicy::LargePolicy(Shape shape, unsigned size, std::uint64_t seed) : shape_(shape), random_(seed) {
    policy_.uplink.name = "dish";
    policy_.uplink.documentation_prefixes = true;
    policy_.uplink.sources = {{"pd", FromDhcpv6Pd{}, {}}};
    for (std::uint16_t subnet = 0; subnet < kSubnets; ++subnet)
        policy_.networks.push_back({"n", 0, subnet, "", {}});
    own_.prefixes.push_back({*parse_prefix("2001:db8:aa00::/56"), 0, DW_PREFIX_PREFERRED, false});
    own_.self = {*parse_ipv6("fe80::1"), *parse_ipv6("2001:db8:aa00:1::1")};
    for (unsigned i = 0; i < 4096; ++i) networks_.push_back(source_network());
    policy_.inbound.rules.reserve(size);
    if (shape == Shape::feed) make_feed(size);
    for (unsigned i = 0; shape != Shape::feed && i < size; ++i) {
        const unsigned host = i % kHosts;
        if (shape == Shape::services)
            add(rule_for(IPPROTO_UDP, one(kFirstPort + i / kHosts), to_host(kFirstHost + host)));
        else if (shape == Shape::hosts)
            add(rule_for(IPPROTO_TCP, one(443), to_host(kFirstHost + i)));
        else if (shape == Shape::ranges)
            add(rule_for(IPPROTO_TCP,
                         {static_cast<std::uint16_t>(i / 1024 * 100),
                          static_cast<std::uint16_t>(i / 1024 * 100 + below(150))},
                         to_host(kFirstHost + i % 1024)));
        else if (shape == Shape::sources)
            add(rule_for(IPPROTO_TCP, one(443), to_host(kFirstHost + below(4)),
                         {false, {networks_[below(4096)]}, {}}));
        else
            add(mixed_rule());
        if (below(4) == 0) policy_.inbound.rules.back().verdict = DW_DROP;
    }
}

Ipv6Prefix LargePolicy::source_network() {
    constexpr unsigned kLengths[] = {16, 20, 29, 32, 32, 36, 40, 44, 48, 48, 48, 56, 60, 64, 64, 128};
    const unsigned length = kLengths[below(std::size(kLengths))];
    const Ipv6Address address{0x2600ull << 48 | (std::uint64_t{below(64)} << 40) | (random_() & 0xff'ffff'ffff),
                              random_()};
    return Ipv6Prefix::containing(address, length);
}

Rule LargePolicy::mixed_rule() {
    const auto port = [&]() -> PortRange {
        const std::uint16_t first = below(2) ? kCommonPorts[below(std::size(kCommonPorts))] : below(65536);
        const unsigned lengths[] = {0, 0, 0, 10, 1000, 65535};
        return {first, static_cast<std::uint16_t>(std::min(65535u, first + lengths[below(6)]))};
    };
    AddressSet from, to;
    if (below(10) != 0) from = {false, {networks_[below(4096)]}, {}};
    if (below(20) == 0) from.include.push_back(networks_[below(4096)]);
    if (below(20) == 0) from.exclude.push_back(networks_[below(4096)]);
    const auto subnet = static_cast<std::uint16_t>(below(kSubnets));
    if (below(3) == 0)
        to = {false, {Behind{0, subnet, std::nullopt}}, {}};
    else if (below(10) != 0)
        to = to_host(kFirstHost + below(2000), subnet);
    Rule rule = rule_for(below(2) ? IPPROTO_TCP : IPPROTO_UDP, port(), std::move(to), std::move(from));
    if (below(50) == 0) rule.match[0] = {};
    if (below(30) == 0) rule.from_ports = {{1024, 65535}};
    if (below(100) == 0) rule.verdict = DW_AUDIT;
    return rule;
}

void LargePolicy::make_feed(unsigned prefixes) {
    auto entries = std::make_shared<FeedEntries>();
    for (unsigned i = 0; i < prefixes; ++i) {
        // Disjoint: each in a /40 of its own; half of the lists that people use name single hosts.
        const std::uint64_t hi = 0x24ull << 56 | std::uint64_t{i} << 24;
        const unsigned length = i % 4 == 0 ? 128 : 40 + i % 25;
        const Ipv6Address address{hi | (random_() & 0xff'ffff), random_()};
        entries->prefixes.push_back(Ipv6Prefix::containing(address, length));
    }
    for (unsigned i = 0; i < 4096 && prefixes > 0; ++i)
        networks_[i] = entries->prefixes[below(prefixes)];
    Rule listed;
    listed.match.emplace_back();
    listed.from = {false, {InFeed{0, std::move(entries)}}, {}};
    add(std::move(listed));
    for (unsigned i = 0; i < 1000; ++i)
        add(rule_for(IPPROTO_UDP, one(kFirstPort + i / kHosts), to_host(kFirstHost + i % kHosts)));
}

void LargePolicy::add(Rule rule) {
    const auto number = static_cast<std::uint32_t>(policy_.inbound.rules.size());
    const std::vector<std::uint64_t> ids = places_of(rule.to);
    for (const std::uint64_t id : ids) by_interface_id_[id].push_back(number);
    if (ids.empty() && names_one_port(rule))
        by_service_[service_key(*rule.match[0].proto, rule.match[0].ports[0].first)].push_back(number);
    else if (ids.empty())
        others_.push_back(number);
    rule.name = "r" + std::to_string(number);
    policy_.inbound.rules.push_back(std::move(rule));
}

Query LargePolicy::query() {
    Query query;
    const Ipv6Prefix& network = networks_[below(4096)];
    // Inside of it, at its edges, or just beside it.
    query.peer = below(2) ? network.first() : network.last();
    if (below(4) == 0) query.peer.hi ^= 1ull << below(40);
    if (below(4) == 0) query.peer.lo ^= random_();
    query.ours = {own_.prefixes[0].prefix.first().hi | (below(4) ? 1 : below(kSubnets + 1)), kFirstHost};
    query.ours.lo += shape_ == Shape::hosts ? below(kManyHosts) : below(4) ? below(kHosts) : below(2100);
    query.proto = shape_ == Shape::hosts || shape_ == Shape::ranges || shape_ == Shape::sources
                      ? IPPROTO_TCP
                      : (shape_ == Shape::mixed && below(2) ? IPPROTO_TCP : IPPROTO_UDP);
    query.source_port = static_cast<std::uint16_t>(below(65536));
    query.destination_port = static_cast<std::uint16_t>(
        shape_ == Shape::services || shape_ == Shape::feed ? kFirstPort + below(1010)
        : shape_ == Shape::ranges                          ? below(4000)
        : below(4) ? (shape_ == Shape::mixed ? kCommonPorts[below(std::size(kCommonPorts))] : 443)
                   : below(65536));
    return query;
}

const Rule* LargePolicy::decide(const Query& query) const {
    static const std::vector<std::uint32_t> kNone;
    const auto find = [](const auto& index, std::uint64_t key) -> const std::vector<std::uint32_t>& {
        const auto found = index.find(key);
        return found == index.end() ? kNone : found->second;
    };
    const std::vector<std::uint32_t>* lists[] = {
        &find(by_interface_id_, query.ours.lo),
        &find(by_service_, service_key(query.proto, query.destination_port)), &others_};
    std::uint32_t best = ~0u;
    for (const std::vector<std::uint32_t>* list : lists)
        for (const std::uint32_t number : *list) {
            if (number >= best) break;
            const Rule& rule = policy_.inbound.rules[number];
            if (rule.verdict == DW_AUDIT || !matches(rule, own_, query)) continue;
            best = number;
        }
    return best == ~0u ? nullptr : &policy_.inbound.rules[best];
}

Bytes frame_of(const Query& query) {
    const bool inbound = query.direction == Direction::inbound;
    const Packet packet = Ethernet{} / Ipv6{.src = to_string(inbound ? query.peer : query.ours),
                                            .dst = to_string(inbound ? query.ours : query.peer)};
    if (query.proto == IPPROTO_TCP)
        return (packet / Tcp{.sport = query.source_port, .dport = query.destination_port}).bytes();
    return (packet / Udp{.sport = query.source_port, .dport = query.destination_port}).bytes();
}

}  // namespace dishwall::test
