// SPDX-License-Identifier: BSD-3-Clause
#include "control/packet_text.h"

#include <netinet/in.h>

#include <charconv>
#include <optional>
#include <vector>

#include "rules/names.h"
#include "rules/policy.h"

namespace dishwall {
namespace {

constexpr std::string_view kFlagLetters = "FSRPAU";  // bit 0 first
constexpr std::uint8_t kSyn = 2;

using Words = std::vector<std::string_view>;

Words split(std::string_view text) {
    Words words;
    constexpr std::string_view kBlank = " \t\r\n";
    for (std::size_t at = text.find_first_not_of(kBlank); at != text.npos;) {
        const std::size_t end = std::min(text.find_first_of(kBlank, at), text.size());
        words.push_back(text.substr(at, end - at));
        at = text.find_first_not_of(kBlank, end);
    }
    return words;
}

std::optional<unsigned> parse_number(std::string_view text, unsigned most) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > most) return std::nullopt;
    return number;
}

Result<Ipv6Address> parse_address(std::string_view text) {
    if (const auto address = parse_ipv6(text)) return *address;
    if (text.find('.') != text.npos && text.find(':') == text.npos)
        return fail("'{}': explain speaks IPv6 only", text);
    return fail("'{}' is not an IPv6 address", text);
}

struct Endpoint {
    Ipv6Address address;
    std::uint16_t port = 0;
};

Result<Endpoint> parse_endpoint(std::string_view text, bool with_port) {
    if (!with_port && !text.starts_with('[')) {
        const Result<Ipv6Address> address = parse_address(text);
        if (!address) return tl::unexpected(address.error());
        return Endpoint{*address, 0};
    }
    const std::size_t close = text.find(']');
    if (!text.starts_with('[') || close == text.npos)
        return fail("'{}': an address with a port is written [2001:db8::1]:443", text);
    const Result<Ipv6Address> address = parse_address(text.substr(1, close - 1));
    if (!address) return tl::unexpected(address.error());
    const std::string_view rest = text.substr(close + 1);
    if (!with_port) {
        if (!rest.empty()) return fail("'{}': this protocol has no ports", text);
        return Endpoint{*address, 0};
    }
    const auto port = rest.starts_with(':') ? parse_number(rest.substr(1), 65535) : std::nullopt;
    if (!port) return fail("'{}': a port from 0 to 65535 has to follow, as in [2001:db8::1]:443", text);
    return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

Result<std::uint8_t> parse_icmp_type(std::string_view text) {
    if (const auto type = icmpv6_type(text)) return *type;
    if (const auto number = parse_number(text, 255)) return static_cast<std::uint8_t>(*number);
    const std::string hint = did_you_mean(text, icmpv6_type_names());
    return fail("'{}' is not an ICMPv6 type{}{}", text, hint.empty() ? "" : "; ", hint);
}

Result<std::uint8_t> parse_flags(std::string_view text) {
    std::uint8_t flags = 0;
    for (const char letter : text) {
        const std::size_t bit = kFlagLetters.find(letter);
        if (bit == kFlagLetters.npos)
            return fail("'{}' is not a set of TCP flags (letters of S A F R P U)", text);
        flags = static_cast<std::uint8_t>(flags | 1u << bit);
    }
    return flags;
}

// Consumes the words from the left, one method a part of the form.
class Parser {
public:
    explicit Parser(std::string_view text) : words_(split(text)) {}

    Result<PacketSpec> parse() {
        for (auto part : {&Parser::direction, &Parser::protocol, &Parser::endpoints, &Parser::flags})
            if (Result<void> done = (this->*part)(); !done) return tl::unexpected(done.error());
        if (next_ != words_.size()) return fail("'{}' does not belong here", words_[next_]);
        return packet_;
    }

private:
    std::string_view take() { return next_ < words_.size() ? words_[next_++] : std::string_view(); }

    Result<void> direction() {
        const std::string_view word = take();
        if (word != "in" && word != "out")
            return fail(
                "a packet begins with 'in' or 'out', for example: in tcp [2001:db8:1::1]:40000 > "
                "[2001:db8:2::10]:443 S");
        packet_.direction = word == "in" ? Direction::inbound : Direction::outbound;
        return {};
    }

    Result<void> protocol() {
        const std::string_view word = take();
        if (word == "tcp") return set_protocol(IPPROTO_TCP);
        if (word == "udp") return set_protocol(IPPROTO_UDP);
        if (word == "sctp") return set_protocol(IPPROTO_SCTP);
        if (word == "icmpv6") {
            const Result<std::uint8_t> type = parse_icmp_type(take());
            if (!type) return tl::unexpected(type.error());
            packet_.icmp_type = *type;
            return set_protocol(IPPROTO_ICMPV6);
        }
        if (word != "proto")
            return fail("'{}' is not a protocol; tcp, udp, sctp, icmpv6 TYPE or proto NUMBER", word);
        const std::string_view number = take();
        const auto proto = parse_number(number, 255);
        if (!proto) return fail("'{}' is not a protocol number from 0 to 255", number);
        if (has_ports(static_cast<std::uint8_t>(*proto)) || *proto == IPPROTO_ICMPV6)
            return fail("protocol {} is written by its name: {}", *proto,
                        *proto == IPPROTO_ICMPV6 ? "icmpv6 TYPE" : "tcp, udp or sctp");
        return set_protocol(static_cast<std::uint8_t>(*proto));
    }

    Result<void> set_protocol(std::uint8_t proto) {
        packet_.proto = proto;
        return {};
    }

    Result<void> endpoints() {
        const bool with_port = has_ports(packet_.proto);
        const Result<Endpoint> source = parse_endpoint(take(), with_port);
        if (!source) return fail_with(source.error(), "source");
        if (take() != ">") return fail("between source and destination stands a '>'");
        const Result<Endpoint> destination = parse_endpoint(take(), with_port);
        if (!destination) return fail_with(destination.error(), "destination");
        packet_.source = source->address;
        packet_.source_port = source->port;
        packet_.destination = destination->address;
        packet_.destination_port = destination->port;
        return {};
    }

    Result<void> flags() {
        if (packet_.proto != IPPROTO_TCP) return {};
        packet_.tcp_flags = kSyn;
        if (next_ == words_.size()) return {};
        const Result<std::uint8_t> flags = parse_flags(take());
        if (!flags) return tl::unexpected(flags.error());
        packet_.tcp_flags = *flags;
        return {};
    }

    Words words_;
    std::size_t next_ = 0;
    PacketSpec packet_;
};

std::string endpoint_text(const Ipv6Address& address, std::uint16_t port, bool with_port) {
    return with_port ? fmt::format("[{}]:{}", to_string(address), port) : to_string(address);
}

std::string protocol_text(const PacketSpec& packet) {
    switch (packet.proto) {
        case IPPROTO_TCP:
            return "tcp";
        case IPPROTO_UDP:
            return "udp";
        case IPPROTO_SCTP:
            return "sctp";
        case IPPROTO_ICMPV6:
            break;
        default:
            return fmt::format("proto {}", packet.proto);
    }
    for (const std::string_view name : icmpv6_type_names())
        if (icmpv6_type(name) == packet.icmp_type) return fmt::format("icmpv6 {}", name);
    return fmt::format("icmpv6 {}", packet.icmp_type);
}

std::string flag_letters(std::uint8_t flags) {
    std::string letters;
    for (std::size_t bit = 0; bit < kFlagLetters.size(); ++bit)
        if ((flags >> bit & 1) != 0) letters += kFlagLetters[bit];
    return letters;
}

}  // namespace

Result<PacketSpec> parse_packet(std::string_view text) { return Parser(text).parse(); }

std::string to_string(const PacketSpec& packet) {
    const bool with_port = has_ports(packet.proto);
    std::string text =
        fmt::format("{} {} {} > {}", packet.direction == Direction::inbound ? "in" : "out",
                    protocol_text(packet), endpoint_text(packet.source, packet.source_port, with_port),
                    endpoint_text(packet.destination, packet.destination_port, with_port));
    if (packet.proto == IPPROTO_TCP) text += " " + flag_letters(packet.tcp_flags);
    return text;
}

Query query_of(const PacketSpec& packet) {
    const bool inbound = packet.direction == Direction::inbound;
    Query query;
    query.direction = packet.direction;
    query.peer = inbound ? packet.source : packet.destination;
    query.ours = inbound ? packet.destination : packet.source;
    query.proto = packet.proto;
    query.source_port = packet.source_port;
    query.destination_port = packet.destination_port;
    query.icmp_type = packet.icmp_type;
    return query;
}

}  // namespace dishwall
