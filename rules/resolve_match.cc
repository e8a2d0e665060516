// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve_match.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <numeric>

#include "rules/literal.h"
#include "rules/names.h"

namespace dishwall {
namespace {

constexpr Bounds kPorts{0, 65535};
constexpr Bounds kByte{0, 255};

std::optional<std::uint16_t> find_service(std::string_view name, std::string_view proto,
                                          const Environment& env) {
    if (!env.service_port) return std::nullopt;
    if (!proto.empty()) return env.service_port(name, proto);
    for (const std::string_view each : {"tcp", "udp", "sctp"})
        if (const auto port = env.service_port(name, each)) return port;
    return std::nullopt;
}

bool is_number_range(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789-") == std::string_view::npos &&
           text.front() != '-';
}

std::optional<PortRange> read_port_range(const ast::Word& word, Diagnostics* diagnostics) {
    const std::size_t dash = word.text.find('-');
    const auto part = [&](std::size_t begin, std::size_t end) {
        const auto offset = static_cast<std::uint32_t>(begin);
        const std::string_view text = word.text.substr(begin, end - begin);
        const Span span{word.span.file, word.span.begin + offset,
                        word.span.begin + offset + static_cast<std::uint32_t>(text.size())};
        return read_number({text, text.empty() ? word.span : span}, "a port", kPorts, diagnostics);
    };
    const auto first = part(0, std::min(dash, word.text.size()));
    const auto last = dash == std::string_view::npos ? first : part(dash + 1, word.text.size());
    if (!first || !last) return std::nullopt;
    if (*first <= *last)
        return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
    diagnostics->report(Code::out_of_range, word.span, "ends before it begins")
        .with_help(fmt::format("did you mean `{}-{}`?", *last, *first));
    return std::nullopt;
}

std::optional<PortRange> read_port(const ast::Word& word, std::string_view proto, const Environment& env,
                                   Diagnostics* diagnostics) {
    if (is_number_range(word.text)) return read_port_range(word, diagnostics);
    const auto port = find_service(word.text, proto, env);
    if (port) return PortRange{*port, *port};
    diagnostics
        ->report(Code::unknown_name, word.span,
                 fmt::format("neither a port nor a name in /etc/services{}{}", proto.empty() ? "" : " for ",
                             proto))
        .with_help("ports are written 443, 8000-8100 or { 80, 443 }");
    return std::nullopt;
}

// Ranges a[i] stand at words[i]; warns where one begins before an earlier one has ended.
void warn_of_overlaps(const PortRanges& ranges, const ast::Words& words,
                      Diagnostics* diagnostics) {
    if (ranges.size() < 2) return;
    std::vector<std::size_t> order(ranges.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return ranges[a].first < ranges[b].first; });
    std::size_t furthest = 0;
    for (std::size_t i = 1; i < order.size(); ++i) {
        const std::size_t reach = order[furthest];
        const std::size_t now = order[i];
        if (ranges[now].first <= ranges[reach].last)
            diagnostics->report(Code::overlapping_elements, words[std::max(now, reach)].span, "overlaps")
                .and_at(words[std::min(now, reach)].span, "with this");
        if (ranges[now].last >= ranges[reach].last) furthest = i;
    }
}

std::optional<std::uint8_t> read_icmpv6_type(const ast::Word& word, Diagnostics* diagnostics) {
    if (const auto type = icmpv6_type(word.text)) return type;
    if (word.text.find_first_not_of("0123456789") == std::string_view::npos) {
        const auto number = read_number(word, "an ICMPv6 type", kByte, diagnostics);
        if (!number) return std::nullopt;
        return static_cast<std::uint8_t>(*number);
    }
    diagnostics->report(Code::unknown_name, word.span, "not an ICMPv6 type")
        .with_help(did_you_mean(word.text, icmpv6_type_names()));
    return std::nullopt;
}

std::optional<ProtocolMatch> resolve_icmpv6(const ast::Match& match, Diagnostics* diagnostics) {
    ProtocolMatch made{std::uint8_t{IPPROTO_ICMPV6}, {}, {}};
    PortRanges as_ranges;
    for (const ast::Word& word : match.values) {
        const auto type = read_icmpv6_type(word, diagnostics);
        if (!type) return std::nullopt;
        made.icmp_types.push_back(*type);
        as_ranges.push_back({*type, *type});
    }
    warn_of_overlaps(as_ranges, match.values, diagnostics);
    return made;
}

std::uint8_t number_of(std::string_view proto) {
    return proto == "tcp" ? IPPROTO_TCP : proto == "udp" ? IPPROTO_UDP : IPPROTO_SCTP;
}

std::optional<ProtocolMatch> resolve_proto(const ast::Word& word, Diagnostics* diagnostics) {
    if (!parse_number(word.text)) {
        const bool has_own_match =
            word.text == "tcp" || word.text == "udp" || word.text == "sctp" || word.text == "icmpv6";
        diagnostics->report(Code::syntax, word.span, "expected a protocol number")
            .with_help(has_own_match ? fmt::format("leave `proto` out: `{}`", word.text)
                                     : "for example `proto 47` for GRE, `proto 50` for ESP");
        return std::nullopt;
    }
    const auto number = read_number(word, "a protocol number", kByte, diagnostics);
    if (!number) return std::nullopt;
    return ProtocolMatch{static_cast<std::uint8_t>(*number), {}, {}};
}

}  // namespace

std::size_t elements_of(const ProtocolMatches& alternatives) {
    std::size_t count = 0;
    for (const ProtocolMatch& each : alternatives) count += 1 + each.ports.size() + each.icmp_types.size();
    return count;
}

std::optional<PortRanges> resolve_ports(const ast::Words& words, std::string_view proto,
                                                    const Environment& env, Diagnostics* diagnostics) {
    PortRanges ranges;
    ranges.reserve(words.size());
    bool good = true;
    for (const ast::Word& word : words) {
        const auto range = read_port(word, proto, env, diagnostics);
        if (range)
            ranges.push_back(*range);
        else
            good = false;
    }
    if (!good) return std::nullopt;
    warn_of_overlaps(ranges, words, diagnostics);
    return ranges;
}

std::optional<ProtocolMatch> resolve_match(const ast::Match& match, const Environment& env,
                                           Diagnostics* diagnostics) {
    if (match.kind == ast::Match::Kind::any) return ProtocolMatch{};
    if (match.kind == ast::Match::Kind::icmpv6) return resolve_icmpv6(match, diagnostics);
    if (match.kind == ast::Match::Kind::proto) return resolve_proto(match.values.front(), diagnostics);
    auto ports = resolve_ports(match.values, match.keyword.text, env, diagnostics);
    if (!ports) return std::nullopt;
    return ProtocolMatch{number_of(match.keyword.text), std::move(*ports), {}};
}

}  // namespace dishwall
