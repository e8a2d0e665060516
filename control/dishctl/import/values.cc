// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/values.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "rules/literal.h"
#include "rules/names.h"

namespace dishwall::import {
namespace {

using Named = std::pair<std::string_view, unsigned>;

// Not getprotobyname: this machine's /etc/protocols may not be that of the one that the rules are from.
constexpr Named kProtocols[] = {
    {"tcp", 6},   {"udp", 17},      {"icmpv6", 58}, {"ipv6-icmp", 58}, {"icmp6", 58}, {"sctp", 132},
    {"dccp", 33}, {"udplite", 136}, {"esp", 50},    {"ah", 51},        {"gre", 47},   {"ipencap", 4},
    {"ipip", 4},  {"ipv6", 41},     {"comp", 108},  {"ipcomp", 108},   {"icmp", 1},   {"igmp", 2},
    {"ospf", 89}, {"pim", 103},     {"l2tp", 115},  {"vrrp", 112}};

// The services that rule files by hand name; saved rule sets have numbers.
constexpr Named kServices[] = {{"ssh", 22},    {"http", 80}, {"https", 443},         {"domain", 53},
                               {"smtp", 25},   {"ntp", 123}, {"imap", 143},          {"imaps", 993},
                               {"telnet", 23}, {"ftp", 21},  {"dhcpv6-client", 546}, {"dhcpv6-server", 547},
                               {"mdns", 5353}};

// In OpenWrt's words.
constexpr Named kOpenWrtTypes[] = {{"neighbour-solicitation", 135},
                                   {"neighbour-advertisement", 136},
                                   {"router-solicitation", 133},
                                   {"router-advertisement", 134}};

// With a code: all of these are errors.
constexpr Named kErrors[] = {{"bad-header", 4},
                             {"unknown-header-type", 4},
                             {"unknown-option", 4},
                             {"no-route", 1},
                             {"communication-prohibited", 1},
                             {"address-unreachable", 1},
                             {"port-unreachable", 1},
                             {"policy-fail", 1},
                             {"reject-route", 1},
                             {"ttl-zero-during-transit", 3},
                             {"ttl-zero-during-reassembly", 3},
                             {"fragmentation-needed", 2}};

template <std::size_t N>
std::optional<unsigned> named(const Named (&table)[N], std::string_view name) {
    const auto* found = std::ranges::find(table, name, &Named::first);
    return found == std::end(table) ? std::nullopt : std::optional(found->second);
}

constexpr unsigned kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
constexpr Named kFlags[] = {{"fin", kFin}, {"syn", kSyn}, {"rst", kRst}, {"psh", 8},  {"ack", kAck},
                            {"urg", 32},   {"ecn", 64},   {"cwr", 128},  {"all", 63}, {"none", 0}};

const std::bitset<256>& with_ports() {
    static const std::bitset<256> kThem =
        std::bitset<256>().set(IPPROTO_TCP).set(IPPROTO_UDP).set(IPPROTO_SCTP);
    return kThem;
}

struct IcmpType {
    std::optional<unsigned> number;  // empty: nobody knows it
    bool has_code = false;           // and only with this code, which a rule cannot say
};

// "128", "echo-request", "1/4". No rule is asked about errors, so their codes do not matter; other types have
// no code but zero, and who asks for another one means something else.
IcmpType icmp_type(std::string_view word) {
    const std::size_t slash = word.find('/');
    const std::string name = lower_case(word.substr(0, slash));
    IcmpType type{named(kErrors, name)};
    if (!type.number) type.number = named(kOpenWrtTypes, name);
    if (const auto known = icmpv6_type(name); !type.number && known) type.number = *known;
    if (const auto number = number_in(name); !type.number && number && *number <= 255) type.number = *number;
    const bool is_error = type.number && *type.number >= 1 && *type.number <= 4;
    type.has_code = slash != std::string_view::npos && word.substr(slash) != "/0" && !is_error;
    return type;
}

std::optional<std::vector<Ipv6Prefix>> range_of(std::string_view text) {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first = parse_ipv6(text.substr(0, dash)), last = parse_ipv6(text.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    return prefixes_of_range(*first, *last);
}

// How many ones a mask begins with; empty: ones and zeros are mixed.
std::optional<unsigned> length_of(const Ipv6Address& mask) {
    for (unsigned length = 0; length <= 128; ++length)
        if (Ipv6Prefix::containing({~0ull, ~0ull}, length).first() == mask) return length;
    return std::nullopt;
}

// ADDRESS/LENGTH or ADDRESS/MASK; host bits are ignored, as elsewhere.
std::optional<Ipv6Prefix> masked(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_ipv6(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return Ipv6Prefix::containing(*address, 128);
    const std::string_view behind = text.substr(slash + 1);
    const auto mask = parse_ipv6(behind);
    const auto length = mask ? length_of(*mask) : number_in(behind);
    if (!length || *length > 128) return std::nullopt;
    return Ipv6Prefix::containing(*address, *length);
}

// ::10/::ffff:ffff:ffff:ffff and ::10/-64
std::optional<std::uint64_t> suffix_of(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = parse_ipv6(text.substr(0, slash));
    const std::string_view mask = text.substr(slash + 1);
    if (!address || (mask != "-64" && parse_ipv6(mask) != Ipv6Address{0, ~0ull})) return std::nullopt;
    return address->lo;
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (end != 0) parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::optional<std::uint32_t> number_in(std::string_view text) {
    const auto value = parse_number(text);
    return value && *value <= 0xffffffff ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower;
}

// ---- protocols and ports

std::optional<std::uint8_t> protocol_named(std::string_view name) {
    auto value = named(kProtocols, lower_case(name));
    if (!value)
        if (const auto number = number_in(name)) value = *number;
    return value && *value <= 255 ? std::optional(static_cast<std::uint8_t>(*value)) : std::nullopt;
}

void only_protocols(Condition* condition, const std::bitset<256>& protocols) {
    condition->protocols &= protocols;
}

std::optional<PortRange> port_range(std::string_view text) {
    const std::size_t middle = text.find_first_of(":-");
    const auto port = [](std::string_view word, unsigned otherwise) -> std::optional<unsigned> {
        if (word.empty()) return otherwise;
        if (const auto number = number_in(word)) return number;
        return named(kServices, word);
    };
    if (const auto service = named(kServices, text))
        return PortRange{static_cast<std::uint16_t>(*service), static_cast<std::uint16_t>(*service)};
    if (text.empty()) return std::nullopt;
    const auto first = port(text.substr(0, middle), 0);
    const auto last = middle == std::string_view::npos ? first : port(text.substr(middle + 1), 65535);
    if (!first || !last || *first > *last || *last > 65535) return std::nullopt;
    return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

void only_ports(Condition* condition, bool source, Ports ports, bool negated) {
    if ((condition->protocols & ~with_ports()).any()) {
        condition->unclear.emplace_back("ports of a protocol whose ports a rule cannot name");
        return;
    }
    Ports& side = source ? condition->source_ports : condition->destination_ports;
    side = side.both(negated ? ports.others() : ports);
}

// ---- ICMPv6

void only_icmp_types(Condition* condition, const std::vector<std::string_view>& types, bool negated) {
    condition->protocols &= std::bitset<256>().set(IPPROTO_ICMPV6);
    std::bitset<256> wanted;
    bool all_read = true;
    for (const std::string_view word : types) {
        const IcmpType type = icmp_type(word);
        if (type.number) wanted.set(*type.number);
        all_read = all_read && type.number && !(type.has_code && negated);
        if (!type.number || type.has_code)
            condition->unclear.push_back(fmt::format("the ICMPv6 type {}", word));
    }
    if (negated) wanted = ~wanted;
    if (all_read) condition->icmp_types &= wanted;
}

// ---- addresses

bool is_ipv4(std::string_view text) {
    return text.find(':') == std::string_view::npos &&
           std::ranges::count(text.substr(0, text.find('/')), '.') == 3;
}

void only_addresses(Condition* condition, bool source, const std::vector<std::string>& addresses,
                    bool negated) {
    Condition narrowed;
    End& more = source ? narrowed.from : narrowed.to;
    std::vector<Ipv6Prefix> prefixes;
    bool all_read = true;
    for (const std::string& text : addresses) {
        const auto suffix = suffix_of(text);
        if (const auto one = masked(text)) {
            prefixes.push_back(*one);
        } else if (auto range = range_of(text)) {
            prefixes.insert(prefixes.end(), range->begin(), range->end());
        } else if (suffix && addresses.size() == 1 && !negated) {
            more.suffix = suffix;
        } else if (!is_ipv4(text)) {  // one of IPv4 is met by no packet of IPv6
            condition->unclear.push_back("the address " + text);
            all_read = false;
        }
    }
    if (negated && !prefixes.empty())
        more.out = without_repeats(std::move(prefixes));  // with some unread: too many packets, as said
    else if (!negated && all_read && !more.suffix)
        more.in = without_repeats(std::move(prefixes));
    *condition = both(*condition, narrowed);
}

// ---- rates

void only_rate(Condition* condition, std::uint64_t packets, std::string_view unit, std::uint64_t burst,
               std::optional<std::uint8_t> per_source) {
    constexpr std::uint64_t kMost = 1'000'000, kTicksASecond = 100;
    const std::string_view units = "smhd";
    constexpr std::uint32_t kSeconds[] = {1, 60, 3600, 86400};
    const std::size_t which = unit.empty() ? std::string_view::npos : units.find(unit[0]);
    if (which == std::string_view::npos || packets == 0 || packets > kMost || burst > kMost) {
        condition->unclear.push_back(fmt::format("a limit of {}/{}", packets, unit));
        return;
    }
    const std::uint32_t unit_s = kSeconds[which];
    // A bucket has room for what comes in one tick of the clock; a smaller one would let less through than
    // the rate.
    const std::uint64_t tick = unit_s * kTicksASecond;
    const std::uint64_t least = std::max<std::uint64_t>((packets + tick - 1) / tick, 1);
    const std::uint64_t most = std::uint64_t{365} * 86400 * packets / unit_s;
    Condition narrowed;
    narrowed.rate = Rate{static_cast<std::uint32_t>(packets), unit_s,
                         static_cast<std::uint32_t>(std::min(std::max(burst, least), most)), per_source};
    *condition = both(*condition, narrowed);
}

// ---- TCP flags

OfOpener flags_of_opener(unsigned mask, unsigned value) {
    constexpr unsigned kKnown = kFin | kSyn | kRst | kAck;
    if ((value & ~mask) != 0) return OfOpener::never;
    if ((kSyn & mask & kKnown) != (value & kKnown)) return OfOpener::never;
    return (mask & ~kKnown) == 0 ? OfOpener::always : OfOpener::unknown;
}

std::optional<unsigned> tcp_flag_named(std::string_view name) { return named(kFlags, lower_case(name)); }

}  // namespace dishwall::import
