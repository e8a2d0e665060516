// SPDX-License-Identifier: BSD-3-Clause
#include "control/methods.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "control/packet_json.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr char kMonitor[] = "org.dishwall.Monitor";
constexpr std::size_t kFlowsByDefault = 10'000;

tl::expected<void, CallError> check_may_change(const Caller& caller) {
    if (caller.uid == 0 || caller.uid == ::geteuid()) return {};
    return call_error("Refused", "only root may change what is in force");
}

json chain_totals(const char* name, const std::string& place, const std::string& chain,
                  const std::string& verdict, const Total& total) {
    return {{"name", name},       {"place", place},           {"chain", chain},
            {"verdict", verdict}, {"packets", total.packets}, {"bytes", total.bytes}};
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
        {"loaded_at", iso_time(daemon.loaded_at_ns())},
        {"generation", image->generation},
        {"rules", {{"inbound", policy.inbound.rules.size()}, {"outbound", policy.outbound.rules.size()}}},
        {"image_bytes", image->size},
        {"image_limit", DW_IMAGE_SIZE},
        {"flow_table", {{"slots", datapath.flow_slots()}, {"bytes", datapath.flow_bytes()}}},
        {"layout", DW_LAYOUT_VERSION},
        {"pin_dir", daemon.options().pin_dir},
        {"prefixes", daemon.prefixes()},
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
    std::size_t limit = kFlowsByDefault;
    if (parameters.contains("limit")) {
        if (!parameters["limit"].is_number_unsigned())
            return call_error("BadInput", "'limit' has to be a number, 0 or more");
        limit = parameters["limit"].get<std::size_t>();
        if (limit == 0) limit = std::numeric_limits<std::size_t>::max();
    }
    Datapath& datapath = daemon.datapath();
    const Result<KernelInstant> now = datapath.now();
    if (!now) return call_error("Failed", now.error().message);
    const FlowDump dump = read_flows(datapath.flows(), datapath.flow_times(*now), limit);
    const WallClock clock = datapath.wall_clock(*now);
    json list = json::array();
    for (const FlowSnapshot& flow : dump.flows) list.push_back(flow_json(flow, daemon.names(), clock));
    return json{
        {"flows", std::move(list)}, {"truncated", dump.used > dump.flows.size()}, {"slots_used", dump.used}};
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
    return {{"kind", "prefix"},
            {"time", iso_time(unix_now_ns())},
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
                const std::int64_t offset = unix_now_ns() - static_cast<std::int64_t>(monotonic_now_ns());
                server->publish(kMonitor, event_json(event, names, offset));
            },
            [server](const LineChange& change) { server->publish(kMonitor, change_json(change)); }};
}

}  // namespace dishwall
