// SPDX-License-Identifier: BSD-3-Clause
#include "bench/shapes/shape.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <set>

#include "bench/published.h"

namespace dishwall::bench {
namespace {

using Random = std::mt19937_64;

constexpr std::uint64_t kSeed = 20070615;
constexpr unsigned kNetworks = 16;  // subnets 1..16 behind the line
constexpr std::uint64_t kFirstHost = 0x10000;
constexpr unsigned kMostHosts = 32768;

template <typename T>
struct Share {
    T what;
    double of;  // 1
};
template <typename T>
using Shares = std::vector<Share<T>>;

enum class Ports { any, high, low, range, exact };

struct Distribution {
    const char* name;
    Shares<unsigned> source_lengths, target_lengths;  // 0: any
    Shares<Ports> source_ports, ports;
    Shares<std::uint8_t> protocols;  // 0: any
    double accepted;
};

Distribution distribution_of(ShapeKind kind) {
    switch (kind) {
        case ShapeKind::acl:
            return {"acl",
                    {{64, .35}, {56, .1}, {48, .3}, {32, .1}, {0, .15}},
                    {{128, .75}, {64, .2}, {0, .05}},
                    {{Ports::any, 1}},
                    {{Ports::exact, .7}, {Ports::range, .1}, {Ports::high, .05}, {Ports::any, .15}},
                    {{IPPROTO_TCP, .8}, {IPPROTO_UDP, .17}, {0, .03}},
                    .7};
        case ShapeKind::fw:
            return {"fw",
                    {{64, .15}, {48, .2}, {32, .15}, {0, .5}},
                    {{128, .45}, {64, .35}, {0, .2}},
                    {{Ports::any, .75}, {Ports::high, .15}, {Ports::exact, .1}},
                    {{Ports::exact, .45},
                     {Ports::range, .15},
                     {Ports::high, .1},
                     {Ports::low, .05},
                     {Ports::any, .25}},
                    {{IPPROTO_TCP, .6}, {IPPROTO_UDP, .3}, {0, .1}},
                    .5};
        case ShapeKind::ipc:
            return {"ipc",
                    {{64, .5}, {56, .1}, {48, .2}, {32, .05}, {0, .15}},
                    {{128, .65}, {64, .25}, {0, .1}},
                    {{Ports::any, .85}, {Ports::exact, .1}, {Ports::high, .05}},
                    {{Ports::exact, .55},
                     {Ports::range, .1},
                     {Ports::high, .05},
                     {Ports::low, .05},
                     {Ports::any, .25}},
                    {{IPPROTO_TCP, .55}, {IPPROTO_UDP, .4}, {0, .05}},
                    .6};
    }
    __builtin_unreachable();
}

std::uint64_t below(Random& random, std::uint64_t limit) { return random() % limit; }

template <typename T>
T draw(Random& random, const Shares<T>& shares) {
    double left = static_cast<double>(random() >> 11) * 0x1p-53;
    for (const Share<T>& share : shares)
        if ((left -= share.of) < 0) return share.what;
    return shares.back().what;
}

// Of `size`, the first ones far more often: each octave alike (Zipf's law with exponent 1).
std::uint64_t often_small(Random& random, std::uint64_t size) {
    const unsigned octaves = 64 - static_cast<unsigned>(__builtin_clzll(size | 1));
    return below(random, (1ull << (1 + below(random, octaves)))) % size;
}

// Sources are nested: few /32s, in each some /48s, in those /56s and /64s, the popular ones shared by many
// rules.
class Sources {
public:
    explicit Sources(unsigned rules) : each_(std::max(4u, rules / 64)) {}

    Ipv6Prefix draw(Random& random, unsigned length) const {
        if (length == 0) return {};
        std::uint64_t hi = 0x24000000ull << 32 | often_small(random, 64) * 0x10101 << 32;
        if (length > 32) hi |= often_small(random, std::min(each_, 0xffffu)) << 16;
        if (length > 48) hi |= below(random, 256) << 8;
        if (length > 56) hi |= below(random, 256);
        return Ipv6Prefix::containing({hi, 0}, length);
    }

private:
    unsigned each_;
};

constexpr std::array<std::uint16_t, 16> kWellKnown = {80,  443, 22,   53,   123,  143,  993,  110,
                                                      995, 389, 8080, 3306, 5432, 5060, 1194, 51820};

PortRange draw_ports(Random& random, Ports kind) {
    const auto start = static_cast<std::uint16_t>(1024 + below(random, 60000));
    switch (kind) {
        case Ports::any:
            return {};
        case Ports::high:
            return {1024, 0xffff};
        case Ports::low:
            return {1, 1023};
        case Ports::range:
            return {start, static_cast<std::uint16_t>(start + 1 + below(random, 2000))};
        case Ports::exact:
            break;
    }
    const std::uint16_t port =
        below(random, 2) == 0 ? kWellKnown[often_small(random, kWellKnown.size())] : start;
    return {port, port};
}

unsigned hosts_for(unsigned rules) { return std::clamp(rules / 4, 16u, kMostHosts); }

Ipv6Address host(std::uint64_t number) {
    return {kDelegation | (1 + number % kNetworks), kFirstHost + number};
}

Ipv6Prefix draw_target(Random& random, unsigned length, unsigned rules) {
    if (length == 0) return {};
    if (length == 64) return Ipv6Prefix::containing({kDelegation | (1 + below(random, kNetworks)), 0}, 64);
    return Ipv6Prefix::containing(host(below(random, hosts_for(rules))), 128);
}

ShapeRule draw_rule(Random& random, const Distribution& shape, const Sources& sources, unsigned rules) {
    ShapeRule rule;
    rule.proto = draw(random, shape.protocols);
    rule.from = sources.draw(random, draw(random, shape.source_lengths));
    rule.to = draw_target(random, draw(random, shape.target_lengths), rules);
    if (rule.proto != 0) {
        rule.from_ports = draw_ports(random, draw(random, shape.source_ports));
        rule.ports = draw_ports(random, draw(random, shape.ports));
    }
    rule.accept = static_cast<double>(random() >> 11) * 0x1p-53 < shape.accepted;
    return rule;
}

// How many packets a rule means, as a power of two: the larger, the later it must stand to leave others a
// chance.
double width(const ShapeRule& rule) {
    const auto bits = [](const PortRange& ports) { return std::log2(ports.last - ports.first + 1.0); };
    return -1.0 * rule.from.length() - rule.to.length() + bits(rule.from_ports) + bits(rule.ports) +
           (rule.proto == 0 ? 8 : 0);
}

std::vector<ShapeRule> draw_rules(Random& random, const Distribution& shape, unsigned count) {
    const Sources sources(count);
    std::set<ShapeRule> different;
    const auto twin = [](ShapeRule rule) {
        rule.accept = true;
        return rule;
    };
    std::vector<ShapeRule> rules;
    for (unsigned tries = 0; rules.size() < count && tries < 20 * count; ++tries) {
        const ShapeRule rule = draw_rule(random, shape, sources, count);
        const bool everything = rule.from.length() == 0 && rule.to.length() == 0 && rule.ports.any();
        if (!everything && different.insert(twin(rule)).second) rules.push_back(rule);
    }
    std::stable_sort(rules.begin(), rules.end(),
                     [](const ShapeRule& a, const ShapeRule& b) { return width(a) < width(b); });
    return rules;
}

// ---- as a rule file

std::string text(const PortRange& ports) {
    return ports.first == ports.last ? fmt::format("{}", ports.first)
                                     : fmt::format("{}-{}", ports.first, ports.last);
}

// Subnet 1 is in the head of every rule file.
std::string network_name(const Ipv6Address& address) {
    const unsigned subnet = address.hi & 0xff;
    return subnet == 1 ? "lan" : fmt::format("n{}", subnet);
}

std::string host_name(const Ipv6Address& address) { return fmt::format("h{:x}", address.lo); }

std::string text(const ShapeRule& rule) {
    std::string line = rule.accept ? "    accept" : "    drop";
    if (rule.proto != 0) line += rule.proto == IPPROTO_TCP ? " tcp" : " udp";
    if (!rule.ports.any()) line += " " + text(rule.ports);
    const bool from_ports = !rule.from_ports.any();
    if (rule.from.length() != 0 || from_ports)
        line += " from " + (rule.from.length() == 0 ? "any" : to_string(rule.from));
    if (from_ports) line += " port " + text(rule.from_ports);
    if (rule.to.length() == 64) line += " to " + network_name(rule.to.first());
    if (rule.to.length() == 128) line += " to " + host_name(rule.to.first());
    return line + "\n";
}

std::string rule_file_of(const std::vector<ShapeRule>& rules) {
    std::string text_of_file = rule_file_head("    timeout udp 1h\n");
    for (unsigned subnet = 2; subnet <= kNetworks; ++subnet)
        text_of_file += fmt::format("network n{} = dish.fixed subnet {:#x}\n", subnet, subnet);
    std::set<Ipv6Address> hosts;
    for (const ShapeRule& rule : rules)
        if (rule.to.length() == 128) hosts.insert(rule.to.first());
    for (const Ipv6Address& one : hosts)
        text_of_file += fmt::format("host {} = {} ::{:x}:{:x}\n", host_name(one), network_name(one),
                                    one.lo >> 16, one.lo & 0xffff);
    text_of_file += "policy inbound on dish {\n    default drop\n";
    for (const ShapeRule& rule : rules) text_of_file += text(rule);
    return text_of_file + "}\npolicy outbound on dish {\n    default accept\n}\n";
}

// ---- packets

std::uint16_t draw_port(Random& random, const PortRange& ports) {
    const std::uint16_t first = std::max<std::uint16_t>(ports.first, 1);
    return static_cast<std::uint16_t>(first + below(random, ports.last - first + 1u));
}

dw_listed draw_packet(Random& random, const ShapeRule& rule, unsigned rules) {
    dw_listed packet = {};
    const unsigned length = rule.from.length();
    const std::uint64_t any = length == 0    ? 0x24ull << 56 | random() >> 12
                              : length == 64 ? 0
                                             : random() >> length;
    packet.peer_high = rule.from.first().hi | any;
    const Ipv6Address target =
        rule.to.length() == 128 ? rule.to.first() : host(below(random, hosts_for(rules)));
    packet.inside_high = rule.to.length() == 64 ? rule.to.first().hi : target.hi;
    packet.inside_low = target.lo;
    packet.peer_port = draw_port(random, rule.from_ports);
    packet.inside_port = draw_port(random, rule.ports);
    packet.udp = rule.proto == 0 ? below(random, 2) != 0 : rule.proto == IPPROTO_UDP;
    return packet;
}

bool matches(const ShapeRule& rule, const dw_listed& packet) {
    return rule.to.contains({packet.inside_high, packet.inside_low}) &&
           rule.ports.contains(packet.inside_port) && rule.from_ports.contains(packet.peer_port) &&
           rule.from.contains({packet.peer_high, 0}) &&
           (rule.proto == 0 || (rule.proto == IPPROTO_UDP) == (packet.udp != 0));
}

bool is_accepted(const std::vector<ShapeRule>& rules, const dw_listed& packet) {
    for (const ShapeRule& rule : rules)
        if (matches(rule, packet)) return rule.accept;
    return false;
}

}  // namespace

Shape make_shape(ShapeKind kind, unsigned rules) {
    const Distribution distribution = distribution_of(kind);
    Random random(kSeed + static_cast<unsigned>(kind));
    Shape shape;
    shape.name = distribution.name;
    shape.numbers = draw_rules(random, distribution, rules);
    shape.rules = rule_file_of(shape.numbers);
    for (unsigned n = 0; n < DW_LISTED; ++n) {
        const ShapeRule& rule = shape.numbers[below(random, shape.numbers.size())];
        shape.packets.push_back(draw_packet(random, rule, rules));
        shape.accepted.push_back(is_accepted(shape.numbers, shape.packets.back()));
    }
    return shape;
}

}  // namespace dishwall::bench
