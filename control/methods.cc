// SPDX-License-Identifier: BSD-3-Clause
#include "control/methods.h"

#include <sys/types.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/methods_parts.h"
#include "control/packet_json.h"

namespace dishwall {

using nlohmann::json;

tl::expected<void, CallError> check_may_change(const Caller& caller) {
    if (caller.uid == 0 || caller.uid == ::geteuid()) return {};
    return call_error("Refused", "only root may change what is in force");
}

tl::expected<std::size_t, CallError> limit_in(const json& parameters, std::size_t by_default) {
    if (!parameters.contains("limit")) return by_default;
    if (!parameters["limit"].is_number_unsigned())
        return call_error("BadInput", "'limit' has to be a number, 0 or more");
    const auto limit = parameters["limit"].get<std::size_t>();
    return limit == 0 ? std::numeric_limits<std::size_t>::max() : limit;
}

namespace {

constexpr char kMonitor[] = "org.dishwall.Monitor";

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
    const AddMethod add = [&](const char* verb, IpcServer::Method method) {
        server->add_method(std::string("org.dishwall.") + verb, std::move(method));
    };
    add_status_methods(add, daemon);
    add_flow_methods(add, daemon);
    add_prefix_methods(add, daemon);
    add_policy_methods(add, daemon);
    add_explain_methods(add, daemon);
    add("Unload", [=](const Caller& caller, const json&) { return unload(*daemon, caller, leave); });
    server->add_stream(kMonitor, [](const Caller&, const json&) { return tl::expected<void, CallError>(); });
}

DaemonObservers monitor_of(IpcServer* server) {
    return {[server](const dw_event& event, const CounterRegistry& names) {
                if (server->listeners(kMonitor) == 0) return;
                server->publish(kMonitor, event_json(event, names, unix_time() - monotonic_time()));
            },
            [server](const LineChange& change) { server->publish(kMonitor, change_json(change)); },
            [server](const json& event) { server->publish(kMonitor, event); }};
}

}  // namespace dishwall
