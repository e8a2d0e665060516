// SPDX-License-Identifier: BSD-3-Clause
#include "rules/literal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include "rules/names.h"

namespace dishwall {
namespace {

bool all_of(std::string_view text, std::string_view allowed) {
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

// 0: not a unit.
std::uint64_t seconds_in(char unit) {
    switch (unit) {
        case 's':
            return 1;
        case 'm':
            return 60;
        case 'h':
            return 60 * 60;
        case 'd':
            return 24 * 60 * 60;
        default:
            return 0;
    }
}

Diagnostic& bad_address(const ast::Word& word, std::string label, Diagnostics* diagnostics) {
    return diagnostics->report(Code::bad_address, word.span, std::move(label));
}

std::optional<Ipv6Address> read_address(const ast::Word& word, std::string_view text,
                                        Diagnostics* diagnostics) {
    const auto address = parse_ipv6(text);
    if (address) return address;
    if (text.find('.') != std::string_view::npos && text.find('%') == std::string_view::npos)
        bad_address(word, "IPv4 has no rules", diagnostics)
            .with_help("the uplink's `ipv4 stateful`, `pass` or `drop` is all there is for IPv4");
    else if (text.find('%') != std::string_view::npos)
        bad_address(word, "an address in a rule has no zone", diagnostics);
    else
        bad_address(word, "not an address", diagnostics);
    return std::nullopt;
}

std::optional<unsigned> read_length(const ast::Word& word, std::string_view text, Diagnostics* diagnostics) {
    const auto length = all_of(text, "0123456789") ? parse_number(text) : std::nullopt;
    if (length && *length <= 128) return static_cast<unsigned>(*length);
    bad_address(word, "the length of a prefix is 0 to 128", diagnostics);
    return std::nullopt;
}

std::optional<MacAddress> parse_mac(std::string_view text) {
    MacAddress mac{};
    if (text.size() != 3 * mac.size() - 1) return std::nullopt;
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const std::string_view octet = text.substr(3 * i, 2);
        const bool separated = i == 0 || (text[3 * i - 1] == text[2] && (text[2] == ':' || text[2] == '-'));
        if (!separated || !all_of(octet, "0123456789abcdefABCDEF")) return std::nullopt;
        std::from_chars(octet.data(), octet.data() + octet.size(), mac[i], 16);
    }
    return mac;
}

constexpr std::size_t kLongestDomain = 253;
constexpr std::size_t kLongestLabel = 63;

bool is_in_domain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

std::string why_bad_label(std::string_view label) {
    if (label.empty()) return "a part of it is empty";
    if (label.size() > kLongestLabel) return fmt::format("a part of it is longer than {}", kLongestLabel);
    if (label.front() == '-' || label.back() == '-') return "no part of it begins or ends with -";
    return {};
}

// Empty: it is one.
std::string why_no_domain(std::string_view text, std::string_view also) {
    const auto is_bad = [&](char c) { return !is_in_domain(c) && also.find(c) == std::string_view::npos; };
    if (text.empty()) return "there is nothing in it";
    if (text.size() > kLongestDomain) return fmt::format("at most {} characters", kLongestDomain);
    if (std::any_of(text.begin(), text.end(), is_bad)) return "letters, digits, hyphens and dots";
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('.', begin), text.size());
        if (std::string why = why_bad_label(text.substr(begin, end - begin)); !why.empty()) return why;
        begin = end + 1;
    }
    return {};
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Words that a rule gives a meaning of its own where an address stands.
bool is_reserved(std::string_view word) {
    static constexpr std::string_view kWords[] = {"any",  "self",   "not",   "feed",    "from",
                                                  "to",   "port",   "rate",  "inspect", "log",
                                                  "name", "expect", "burst", "per",     "on-failure"};
    return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

}  // namespace

bool check_name(const ast::Word& name, Diagnostics* diagnostics) {
    if (!is_name(name.text)) {
        diagnostics->report(Code::bad_name, name.span,
                            fmt::format("letters, digits, - and _, at most {} of them", kLongestName));
        return false;
    }
    if (!is_reserved(name.text)) return true;
    diagnostics->report(Code::bad_name, name.span, "a word of the language");
    return false;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    const bool hexadecimal = text.substr(0, 2) == "0x" || text.substr(0, 2) == "0X";
    if (hexadecimal) text.remove_prefix(2);
    if (!all_of(text, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789")) return std::nullopt;
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
    return read.ec == std::errc() ? value : std::numeric_limits<std::uint64_t>::max();
}

std::optional<std::uint64_t> read_number(const ast::Word& word, std::string_view what, Bounds bounds,
                                         Diagnostics* diagnostics) {
    const auto number = parse_number(word.text);
    if (!number) {
        diagnostics->report(Code::syntax, word.span, fmt::format("expected {}", what));
        return std::nullopt;
    }
    if (*number >= bounds.least && *number <= bounds.most) return number;
    diagnostics->report(Code::out_of_range, word.span,
                        fmt::format("{} is {} to {}", what, bounds.least, bounds.most));
    return std::nullopt;
}

std::optional<std::uint64_t> read_duration(const ast::Word& word, Bounds bounds_s, Diagnostics* diagnostics) {
    const std::string_view digits = word.text.substr(0, word.text.size() - 1);
    const std::uint64_t unit = seconds_in(word.text.back());
    if (unit == 0 || !all_of(digits, "0123456789")) {
        diagnostics->report(Code::bad_duration, word.span, "expected a number with its unit")
            .with_help("seconds, minutes, hours or days: 300s, 5m, 2h, 1d");
        return std::nullopt;
    }
    const std::uint64_t number = parse_number(digits).value_or(0);
    if (number <= bounds_s.most / unit && number * unit >= bounds_s.least) return number * unit;
    diagnostics->report(Code::out_of_range, word.span,
                        fmt::format("this duration is {}s to {}s", bounds_s.least, bounds_s.most));
    return std::nullopt;
}

std::optional<std::uint64_t> read_bytes(const ast::Word& word, Bounds bounds, Diagnostics* diagnostics) {
    const std::size_t unit = std::string_view("KMG").find(word.text.back());
    const unsigned shift = unit == std::string_view::npos ? 0 : 10 * (static_cast<unsigned>(unit) + 1);
    const std::string_view digits = word.text.substr(0, word.text.size() - (shift ? 1 : 0));
    const auto number = all_of(digits, "0123456789") ? parse_number(digits) : std::nullopt;
    if (!number) {
        diagnostics->report(Code::syntax, word.span, "expected a number of bytes")
            .with_help("bytes, or thousands of them by powers of 1024: 4096, 256K, 1M, 2G");
        return std::nullopt;
    }
    if (*number <= bounds.most >> shift && *number << shift >= bounds.least) return *number << shift;
    diagnostics->report(Code::out_of_range, word.span,
                        fmt::format("so many bytes are {} to {}", bounds.least, bounds.most));
    return std::nullopt;
}

std::optional<Ipv6Prefix> read_prefix(const ast::Word& word, Diagnostics* diagnostics) {
    const std::size_t slash = word.text.find('/');
    const auto address = read_address(word, word.text.substr(0, slash), diagnostics);
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return Ipv6Prefix::make(*address, 128);
    const auto length = read_length(word, word.text.substr(slash + 1), diagnostics);
    if (!length) return std::nullopt;
    const auto prefix = Ipv6Prefix::make(*address, *length);
    if (!prefix)
        diagnostics
            ->report(Code::host_bits, word.span, fmt::format("bits are set behind the first {}", *length))
            .with_help(fmt::format("the prefix is `{}`, the address alone `{}`",
                                   to_string(Ipv6Prefix::containing(*address, *length)),
                                   to_string(*address)));
    return prefix;
}

std::optional<std::uint64_t> read_interface_id(const ast::Word& word, Diagnostics* diagnostics) {
    const auto address = parse_ipv6(word.text);
    if (address && address->hi == 0) return address->lo;
    bad_address(word, "expected an interface id", diagnostics)
        .with_help("the last 64 bits of the address, such as ::10");
    return std::nullopt;
}

std::optional<MacAddress> read_mac(const ast::Word& word, Diagnostics* diagnostics) {
    const auto mac = parse_mac(word.text);
    if (mac && *mac != MacAddress{} && ((*mac)[0] & 1) == 0) return mac;
    Diagnostic& report = diagnostics->report(Code::bad_mac, word.span,
                                             !mac                   ? "expected six octets"
                                             : *mac == MacAddress{} ? "all zero: no device has it"
                                                                    : "a group's address: no device has it");
    report.with_help("it is printed on the device, and shown by `ip neigh`, as 02:11:22:33:44:55");
    return std::nullopt;
}

std::optional<std::string> read_domain(const ast::Word& word, std::string_view also,
                                       Diagnostics* diagnostics) {
    std::string_view text = word.text;
    if (text.size() > 1 && text.back() == '.') text.remove_suffix(1);
    const std::string why = is_ascii(text) ? why_no_domain(text, also) : "not ASCII";
    if (!why.empty()) {
        Diagnostic& report = diagnostics->report(Code::bad_domain, word.span, why);
        if (!is_ascii(text)) report.with_help("write the xn-- form of it, which `idn2 NAME` prints");
        return std::nullopt;
    }
    std::string domain(text);
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    std::transform(domain.begin(), domain.end(), domain.begin(), lower);
    return domain;
}

std::optional<dw_verdict> verdict_of(std::string_view word) {
    if (word == "accept") return DW_ACCEPT;
    if (word == "drop") return DW_DROP;
    if (word == "reject") return DW_REJECT;
    if (word == "reject-late") return DW_REJECT_LATE;
    if (word == "audit") return DW_AUDIT;
    return std::nullopt;
}

}  // namespace dishwall
