// SPDX-License-Identifier: BSD-3-Clause
#include "control/methods.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "control/clock.h"
#include "control/packet_json.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr char kMonitor[] = "org.dishwall.Monitor";
constexpr std::size_t kFlowsByDefault = 10'000;
constexpr std::size_t kChangesByDefault = 100;
constexpr std::chrono::seconds kLongestLifetime{0xffffffff};  // "forever" of DHCPv6 (RFC 8415, 7.7)

tl::expected<void, CallError> check_may_change(const Caller& caller) {
    if (caller.uid == 0 || caller.uid == ::geteuid()) return {};
    return call_error("Refused", "only root may change what is in force");
}

json chain_totals(const char* name, const std::string& place, const std::string& chain,
                  const std::string& verdict, const Total& total) {
    return {{"name", name},       {"place", place},           {"chain", chain},
            {"verdict", verdict}, {"packets", total.packets}, {"bytes", total.bytes}};
}

// How much a reply may hold: `by_default` when the caller does not say, everything for 0.
tl::expected<std::size_t, CallError> limit_in(const json& parameters, std::size_t by_default) {
    if (!parameters.contains("limit")) return by_default;
    if (!parameters["limit"].is_number_unsigned())
        return call_error("BadInput", "'limit' has to be a number, 0 or more");
    const auto limit = parameters["limit"].get<std::size_t>();
    return limit == 0 ? std::numeric_limits<std::size_t>::max() : limit;
}

// ---- status, version

json device(const Sentry& sentry) {
    json reply{{"interface", sentry.interface()},
               {"ifindex", sentry.index()},
               {"state", sentry.index() == 0 ? "waiting" : "closed"},
               {"trouble", sentry.trouble()},
               {"xdp_mode", nullptr},
               {"egress", nullptr}};
    if (const auto& attachment = sentry.attachment()) {
        reply["state"] = "enforced";
        reply["xdp_mode"] = attachment->native() ? "native" : "generic";
        reply["egress"] = attachment->egress() == EgressHook::tcx ? "tcx" : "clsact";
    }
    return reply;
}

json guard(const Sentry& sentry) {
    json reply{
        {"table", sentry.guard().table()}, {"trouble", sentry.guard_trouble()}, {"held_back", nullptr}};
    const auto total = [](const Total& one) { return json{{"packets", one.packets}, {"bytes", one.bytes}}; };
    if (const Result<HeldBack> held = sentry.guard().held_back())
        reply["held_back"] = {{"inbound", total(held->inbound)}, {"outbound", total(held->outbound)}};
    else
        reply["trouble"] = held.error().message;
    return reply;
}

json routers(Daemon& daemon) {
    json list = json::array();
    const Result<KernelInstant> now = daemon.datapath().now();
    if (!now) return list;
    for (const LearntRouter& router : daemon.routers().list(*now, daemon.datapath().settings().hz))
        list.push_back({{"address", to_string(router.address)}, {"expires_in", router.expires_in_s}});
    return list;
}

// Of `hosts`: how many there are of each kind, and how many of their addresses may be out of date.
json hosts_summary(const json& hosts) {
    std::size_t devices = 0, domains = 0, addresses = 0, stale = 0;
    for (const json& host : hosts) {
        const bool device = host.value("kind", "") == "device";
        ++(device ? devices : domains);
        for (const json& address : host.value("addresses", json::array())) {
            ++addresses;
            const bool old = device ? address.value("state", "") == "stale" : host.value("stale", false);
            stale += old ? 1 : 0;
        }
    }
    return {{"devices", devices}, {"addresses", addresses}, {"domains", domains}, {"stale", stale}};
}

json status(Daemon& daemon) {
    const Policy& policy = daemon.policy();
    Datapath& datapath = daemon.datapath();
    const dw_image* image = datapath.policy().in_force();
    json reply{
        {"version", kVersion},
        {"pid", ::getpid()},
        {"uplink", policy.uplink.name},
        {"guard", guard(daemon.sentry())},
        {"routers", routers(daemon)},
        {"config", daemon.options().config},
        {"loaded_at", iso_time(daemon.loaded_at())},
        {"generation", image->generation},
        {"rules", {{"inbound", policy.inbound.rules.size()}, {"outbound", policy.outbound.rules.size()}}},
        {"image_bytes", image->size},
        {"image_limit", DW_IMAGE_SIZE},
        {"flow_table", {{"slots", datapath.flow_slots()}, {"bytes", datapath.flow_bytes()}}},
        {"layout", DW_LAYOUT_VERSION},
        {"pin_dir", daemon.options().pin_dir},
        {"state_dir", daemon.options().state_dir},
        {"prefixes", daemon.prefixes()},
        {"line", daemon.line_json()},
        {"dns", daemon.dns_json()},
        {"hosts", hosts_summary(daemon.hosts_json())},
    };
    reply.update(device(daemon.sentry()));
    return reply;
}

json prefix(Daemon& daemon) {
    json reply{
        {"prefixes", daemon.prefixes()}, {"self", daemon.line().self_json()}, {"enforced_in_us", nullptr}};
    if (daemon.enforced_in_ns()) reply["enforced_in_us"] = *daemon.enforced_in_ns() / 1000;
    return reply;
}

// ---- counters

json reason_totals(const CounterReader& counters) {
    std::vector<json> reasons;
    for (const ReasonInfo& reason : all_reasons()) {
        const Total total = counters.total(reason.number);
        reasons.push_back({{"name", reason.name},
                           {"text", reason.text},
                           {"verdict", reason.accepts ? "accept" : "drop"},
                           {"packets", total.packets},
                           {"bytes", total.bytes}});
    }
    std::stable_partition(reasons.begin(), reasons.end(),
                          [](const json& reason) { return reason["packets"] != 0; });
    return reasons;
}

// In the order of the rule file, then what is gone.
json rule_totals(Daemon& daemon) {
    const CounterReader& counters = daemon.datapath().counters();
    json rules = json::array();
    const auto add_chain = [&](const Chain& chain, const char* name) {
        for (const Rule& rule : chain.rules)
            rules.push_back(chain_totals(rule.name.c_str(), to_string(rule.place), name,
                                         to_string(rule.verdict),
                                         counters.total(daemon.names().id_of(rule))));
    };
    add_chain(daemon.policy().inbound, "inbound");
    add_chain(daemon.policy().outbound, "outbound");
    for (const RuleCounter& gone : daemon.names().list())
        if (gone.is_gone())
            rules.push_back(
                chain_totals(gone.name.c_str(), gone.place, "gone", gone.verdict, counters.total(gone.id)));
    return rules;
}

// ---- flows

CallResult flows(Daemon& daemon, const json& parameters) {
    const auto limit = limit_in(parameters, kFlowsByDefault);
    if (!limit) return tl::unexpected(limit.error());
    Datapath& datapath = daemon.datapath();
    const Result<KernelInstant> now = datapath.now();
    if (!now) return call_error("Failed", now.error().message);
    const FlowDump dump = read_flows(datapath.flows(), datapath.flow_times(*now), *limit);
    const WallClock clock = datapath.wall_clock(*now);
    json list = json::array();
    for (const FlowSnapshot& flow : dump.flows) list.push_back(flow_json(flow, daemon.names(), clock));
    return json{
        {"flows", std::move(list)}, {"truncated", dump.used > dump.flows.size()}, {"slots_used", dump.used}};
}

// ---- prefixes that a DHCPv6 client's hook tells

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

// ---- what changes something

CallResult load(Daemon& daemon, const Caller& caller, const json& parameters) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    std::optional<std::string> path;
    if (parameters.contains("config") && !parameters["config"].is_null()) {
        if (!parameters["config"].is_string()) return call_error("BadInput", "'config' has to be a path");
        path = parameters["config"].get<std::string>();
        if (!path->starts_with('/')) return call_error("BadInput", "'config' has to be an absolute path");
    }
    const auto loaded = daemon.load(path);
    if (!loaded) {
        const LoadFailure& failure = loaded.error();
        const char* kind = failure.refused ? "Refused" : failure.diagnostics.empty() ? "Failed" : "BadInput";
        return call_error(kind, failure.message, failure.diagnostics);
    }
    return json{{"config", daemon.options().config},
                {"warnings", loaded->warnings},
                {"generation", daemon.datapath().policy().generation()},
                {"rules",
                 {{"inbound", daemon.policy().inbound.rules.size()},
                  {"outbound", daemon.policy().outbound.rules.size()}}}};
}

CallResult unload(Daemon& daemon, const Caller& caller, const std::function<void()>& leave) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    if (Result<void> unloaded = daemon.unload(); !unloaded)
        return call_error("Failed", unloaded.error().message);
    leave();
    const std::string& interface = daemon.sentry().interface();
    return json{
        {"interface", interface},
        {"message", fmt::format("{} is open: nothing is filtered any more, and dishwalld ends", interface)}};
}

CallResult explain(Daemon& daemon, const json& parameters) {
    if (!parameters.contains("packet") || !parameters["packet"].is_string())
        return call_error("BadInput", "'packet' is missing");
    const Result<PacketSpec> packet = parse_packet(parameters["packet"].get<std::string>());
    if (!packet) return call_error("BadInput", packet.error().message);
    Result<Explanation> explanation = daemon.explain(*packet);
    if (!explanation) return call_error("Failed", explanation.error().message);
    return std::move(explanation->reply);
}

json change_json(const LineChange& change) {
    return {{"kind", change.about_host() ? "host" : "prefix"},
            {"time", iso_time(unix_time())},
            {"change", to_string(change.kind)},
            {"source", change.source},
            {"prefix", to_string(change.prefix.prefix)},
            {"text", change.text}};
}

}  // namespace

void add_methods(IpcServer* server, Daemon* daemon, std::function<void()> leave) {
    const auto add = [&](const char* verb, IpcServer::Method method) {
        server->add_method(std::string("org.dishwall.") + verb, std::move(method));
    };
    add("Version", [](const Caller&, const json&) -> CallResult { return json{{"version", kVersion}}; });
    add("Status", [=](const Caller&, const json&) -> CallResult { return status(*daemon); });
    add("Prefix", [=](const Caller&, const json&) -> CallResult { return prefix(*daemon); });
    add("Hosts", [=](const Caller&, const json&) -> CallResult {
        return json{{"hosts", daemon->hosts_json()}};
    });
    add("PrefixHistory", [=](const Caller&, const json& parameters) { return history(*daemon, parameters); });
    add("PrefixSet", [=](const Caller& caller, const json& parameters) {
        return set_prefix(*daemon, caller, parameters);
    });
    add("PrefixWithdraw", [=](const Caller& caller, const json& parameters) {
        return withdraw_prefix(*daemon, caller, parameters);
    });
    add("Counters", [=](const Caller&, const json&) -> CallResult {
        return json{{"reasons", reason_totals(daemon->datapath().counters())},
                    {"rules", rule_totals(*daemon)}};
    });
    add("Flows", [=](const Caller&, const json& parameters) { return flows(*daemon, parameters); });
    add("Explain", [=](const Caller&, const json& parameters) { return explain(*daemon, parameters); });
    add("Load",
        [=](const Caller& caller, const json& parameters) { return load(*daemon, caller, parameters); });
    add("Reload", [=](const Caller& caller, const json&) { return load(*daemon, caller, json::object()); });
    add("Unload", [=](const Caller& caller, const json&) { return unload(*daemon, caller, leave); });
    server->add_stream(kMonitor, [](const Caller&, const json&) { return tl::expected<void, CallError>(); });
}

DaemonObservers monitor_of(IpcServer* server) {
    return {[server](const dw_event& event, const CounterRegistry& names) {
                if (server->listeners(kMonitor) == 0) return;
                server->publish(kMonitor, event_json(event, names, unix_time() - monotonic_time()));
            },
            [server](const LineChange& change) { server->publish(kMonitor, change_json(change)); }};
}

}  // namespace dishwall
