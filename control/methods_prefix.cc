// SPDX-License-Identifier: BSD-3-Clause
//
// Prefix, PrefixHistory, PrefixSet, PrefixWithdraw: what is ours, what was, and what a DHCPv6 client's hook
// tells.
#include "control/methods_parts.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::size_t kChangesByDefault = 100;
constexpr std::chrono::seconds kLongestLifetime{0xffffffff};  // "forever" of DHCPv6 (RFC 8415, 7.7)

json prefix(Daemon& daemon) {
    json reply{
        {"prefixes", daemon.prefixes()}, {"self", daemon.line().self_json()}, {"enforced_in_us", nullptr}};
    if (daemon.enforced_in_ns()) reply["enforced_in_us"] = *daemon.enforced_in_ns() / 1000;
    return reply;
}

CallResult history(Daemon& daemon, const json& parameters) {
    const auto limit = limit_in(parameters, kChangesByDefault);
    if (!limit) return tl::unexpected(limit.error());
    return json{{"changes", daemon.history_json(*limit)}};
}

tl::expected<std::string, CallError> source_in(const json& parameters) {
    if (!parameters.contains("source") || !parameters["source"].is_string())
        return call_error("BadInput",
                          "'source' has to be a prefix source of the rule file, as in \"dish.pd\"");
    return parameters["source"].get<std::string>();
}

tl::expected<Ipv6Prefix, CallError> prefix_in(const json& parameters) {
    const json given = parameters.value("prefix", json());
    const auto prefix = given.is_string() ? parse_prefix(given.get<std::string>()) : std::nullopt;
    if (!prefix)
        return call_error(
            "BadInput",
            fmt::format("'prefix' has to be an IPv6 prefix, as in \"2001:db8:1100::/56\", and is {}",
                        given.dump(-1, ' ', false, json::error_handler_t::replace)));
    return *prefix;
}

tl::expected<std::chrono::seconds, CallError> lifetime_in(const json& parameters, const char* name) {
    if (parameters.contains(name) && parameters[name].is_number_unsigned()) {
        const auto given = parameters[name].get<std::uint64_t>();
        if (given <= static_cast<std::uint64_t>(kLongestLifetime.count())) return std::chrono::seconds(given);
    }
    return call_error("BadInput",
                      fmt::format("'{}' has to be seconds, 0..{}", name, kLongestLifetime.count()));
}

// What the line does not take is the caller's mistake: a source that is none, a length that is no
// delegation's.
CallResult told(Daemon& daemon, const Result<void>& done, std::string message) {
    if (!done) return call_error("BadInput", done.error().message);
    return json{{"message", std::move(message)}, {"prefixes", daemon.prefixes()}};
}

CallResult set_prefix(Daemon& daemon, const Caller& caller, const json& parameters) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    const auto source = source_in(parameters);
    if (!source) return tl::unexpected(source.error());
    const auto prefix = prefix_in(parameters);
    if (!prefix) return tl::unexpected(prefix.error());
    const auto valid = lifetime_in(parameters, "valid");
    if (!valid) return tl::unexpected(valid.error());
    const auto preferred = lifetime_in(parameters, "preferred");
    if (!preferred) return tl::unexpected(preferred.error());
    if (valid->count() == 0 || *preferred > *valid)
        return call_error("BadInput", "'valid' has to be 1 or more, and 'preferred' no longer than it");
    return told(daemon, daemon.set_prefix(*source, *prefix, *valid, *preferred),
                fmt::format("{}: {} is set, valid {} s, preferred {} s", *source, to_string(*prefix),
                            valid->count(), preferred->count()));
}

CallResult withdraw_prefix(Daemon& daemon, const Caller& caller, const json& parameters) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    const auto source = source_in(parameters);
    if (!source) return tl::unexpected(source.error());
    std::optional<Ipv6Prefix> only;
    if (parameters.contains("prefix") && !parameters["prefix"].is_null()) {
        const auto prefix = prefix_in(parameters);
        if (!prefix) return tl::unexpected(prefix.error());
        only = *prefix;
    }
    return told(daemon, daemon.withdraw_prefix(*source, only),
                fmt::format("{}: {} withdrawn", *source,
                            only ? to_string(*only) + " is" : std::string("all that was set is")));
}

}  // namespace

void add_prefix_methods(const AddMethod& add, Daemon* daemon) {
    add("Prefix", [=](const Caller&, const json&) -> CallResult { return prefix(*daemon); });
    add("PrefixHistory", [=](const Caller&, const json& parameters) { return history(*daemon, parameters); });
    add("PrefixSet", [=](const Caller& caller, const json& parameters) {
        return set_prefix(*daemon, caller, parameters);
    });
    add("PrefixWithdraw", [=](const Caller& caller, const json& parameters) {
        return withdraw_prefix(*daemon, caller, parameters);
    });
}

}  // namespace dishwall
