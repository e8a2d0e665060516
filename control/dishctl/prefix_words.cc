// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/prefix_words.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "rules/ipv6.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

constexpr char kSetForm[] = "dishctl prefix set dish.pd 2001:db8:1100::/56 valid 300 preferred 150";
constexpr char kWithdrawForm[] = "dishctl prefix withdraw dish.pd [PREFIX]";

// "infinity" of DHCPv6 is the highest number that fits (RFC 8415, 7.7).
std::optional<std::uint32_t> seconds_in(const std::string& word) {
    std::uint32_t value = 0;
    const char* end = word.data() + word.size();
    const auto read = std::from_chars(word.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return value;
}

tl::unexpected<Error> no_prefix(const std::string& word) {
    const std::size_t slash = word.find('/');
    const auto address = parse_ipv6(word.substr(0, slash));
    const auto length = slash == std::string::npos ? std::nullopt : seconds_in(word.substr(slash + 1));
    if (address && length && *length <= 128)
        return fail("{} has bits behind its length; write {}", word,
                    to_string(Ipv6Prefix::containing(*address, *length)));
    return fail("'{}' is no IPv6 prefix; write an address and a length, as in 2001:db8:1100::/56", word);
}

// The first words behind the verb: a source, and a prefix if one is there.
Result<json> source_and_prefix(const Words& words) {
    if (words[1].find('.') == std::string::npos)
        return fail("'{}' is no prefix source; write the uplink's name and the source's, as in dish.pd",
                    words[1]);
    json parameters{{"source", words[1]}};
    if (words.size() == 2) return parameters;
    const auto prefix = parse_prefix(words[2]);
    if (!prefix) return no_prefix(words[2]);
    parameters["prefix"] = to_string(*prefix);
    return parameters;
}

Result<PrefixRequest> parse_set(const Words& words) {
    if (words.size() != 7 || words[3] != "valid" || words[5] != "preferred")
        return fail("'prefix set' wants a source, a prefix and two lifetimes in seconds; write: {}",
                    kSetForm);
    Result<json> parameters = source_and_prefix(words);
    if (!parameters) return tl::unexpected(parameters.error());
    const auto valid = seconds_in(words[4]), preferred = seconds_in(words[6]);
    if (!valid || !preferred)
        return fail("'{}' is no lifetime; write seconds, 0..4294967295 (which is for ever)",
                    valid ? words[6] : words[4]);
    if (*valid == 0)
        return fail("a prefix that is valid for 0 s is withdrawn; write: dishctl prefix withdraw {} {}",
                    words[1], words[2]);
    if (*preferred > *valid)
        return fail("preferred {} is longer than valid {}; no address outlives its prefix", *preferred,
                    *valid);
    (*parameters)["valid"] = *valid;
    (*parameters)["preferred"] = *preferred;
    return PrefixRequest{PrefixRequest::Kind::set, std::move(*parameters)};
}

Result<PrefixRequest> parse_withdraw(const Words& words) {
    if (words.size() < 2 || words.size() > 3)
        return fail("'prefix withdraw' wants a source, and a prefix unless all of it goes; write: {}",
                    kWithdrawForm);
    Result<json> parameters = source_and_prefix(words);
    if (!parameters) return tl::unexpected(parameters.error());
    return PrefixRequest{PrefixRequest::Kind::withdraw, std::move(*parameters)};
}

}  // namespace

Result<PrefixRequest> parse_prefix_words(const Words& words) {
    if (words.empty()) return PrefixRequest{};
    if (words.front() == "set") return parse_set(words);
    if (words.front() == "withdraw") return parse_withdraw(words);
    if (words.front() != "history")
        return fail("'prefix' knows no word '{}'; write history, set or withdraw behind it, or nothing",
                    words.front());
    if (words.size() > 1)
        return fail("'{}' is too much; write: dishctl prefix history [--limit N]", words[1]);
    return PrefixRequest{PrefixRequest::Kind::history, json::object()};
}

}  // namespace dishwall
