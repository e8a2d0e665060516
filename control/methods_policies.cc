// SPDX-License-Identifier: BSD-3-Clause
//
// Load, Reload, Confirm, Rollback, History, Diff, Names: which policy is in force, which was, and which would
// be.
#include "control/clock.h"
#include "control/methods_parts.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::size_t kPoliciesByDefault = 100;
constexpr unsigned kLongestConfirm_s = 86'400;
constexpr std::size_t kMostSockets = 10'000;

bool given(const json& parameters, const char* name) {
    return parameters.contains(name) && !parameters[name].is_null();
}

tl::unexpected<CallError> load_error(const LoadFailure& failure) {
    const char* kind = failure.refused ? "Refused" : failure.diagnostics.empty() ? "Failed" : "BadInput";
    return call_error(kind, failure.message, failure.diagnostics);
}

// What Load and Rollback share.
tl::expected<LoadRequest, CallError> request_in(const Caller& caller, const json& parameters) {
    LoadRequest request;
    request.caller = caller.pid;
    if (given(parameters, "force")) {
        if (!parameters["force"].is_boolean())
            return call_error("BadInput", "'force' has to be true or false");
        request.force = parameters["force"].get<bool>();
    }
    if (!given(parameters, "sockets")) return request;
    const json& sockets = parameters["sockets"];
    if (!sockets.is_array() || sockets.size() > kMostSockets)
        return call_error("BadInput", "'sockets' has to be a list of inode numbers");
    for (const json& inode : sockets) {
        if (!inode.is_number_unsigned())
            return call_error("BadInput", "'sockets' has to be a list of inode numbers");
        request.sockets.push_back(inode.get<SocketInode>());
    }
    return request;
}

tl::expected<std::string, CallError> path_in(const json& value, const char* name) {
    if (!value.is_string()) return call_error("BadInput", fmt::format("'{}' has to be a path", name));
    std::string path = value.get<std::string>();
    if (!path.starts_with('/'))
        return call_error("BadInput", fmt::format("'{}' has to be an absolute path", name));
    return path;
}

// From 1; `most` is what fits.
tl::expected<unsigned, CallError> number_in(const json& value, const char* name, unsigned most) {
    if (value.is_number_unsigned() && value.get<std::uint64_t>() >= 1 && value.get<std::uint64_t>() <= most)
        return value.get<unsigned>();
    return call_error("BadInput", fmt::format("'{}' has to be a number, 1..{}", name, most));
}

json load_reply(Daemon& daemon, const LoadReport& report) {
    json reply{{"config", daemon.options().config},
               {"number", report.number},
               {"confirm_by", nullptr},
               {"warnings", report.warnings},
               {"generation", daemon.datapath().policy().generation()},
               {"rules",
                {{"inbound", daemon.policy().inbound.rules.size()},
                 {"outbound", daemon.policy().outbound.rules.size()}}}};
    if (report.confirm_by) reply["confirm_by"] = iso_time(*report.confirm_by);
    return reply;
}

CallResult load(Daemon& daemon, const Caller& caller, const json& parameters) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    auto request = request_in(caller, parameters);
    if (!request) return tl::unexpected(request.error());
    if (given(parameters, "config")) {
        auto path = path_in(parameters["config"], "config");
        if (!path) return tl::unexpected(path.error());
        request->path = std::move(*path);
    }
    if (given(parameters, "confirm")) {
        const auto seconds = number_in(parameters["confirm"], "confirm", kLongestConfirm_s);
        if (!seconds) return tl::unexpected(seconds.error());
        request->confirm = std::chrono::seconds(*seconds);
    }
    const auto loaded = daemon.load(*request);
    if (!loaded) return load_error(loaded.error());
    return load_reply(daemon, *loaded);
}

CallResult confirm(Daemon& daemon, const Caller& caller) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    const Result<unsigned> number = daemon.confirm();
    if (!number) return call_error("Failed", number.error().message);
    return json{{"number", *number}, {"message", fmt::format("policy {} is confirmed: it stays", *number)}};
}

CallResult rollback(Daemon& daemon, const Caller& caller, const json& parameters) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    const auto request = request_in(caller, parameters);
    if (!request) return tl::unexpected(request.error());
    std::optional<unsigned> number;
    if (given(parameters, "number")) {
        const auto wanted = number_in(parameters["number"], "number", std::numeric_limits<unsigned>::max());
        if (!wanted) return tl::unexpected(wanted.error());
        number = *wanted;
    }
    const auto loaded = daemon.rollback(number, *request);
    if (!loaded) return load_error(loaded.error());
    return load_reply(daemon, *loaded);
}

CallResult history(Daemon& daemon, const json& parameters) {
    const auto limit = limit_in(parameters, kPoliciesByDefault);
    if (!limit) return tl::unexpected(limit.error());
    return json{{"policies", daemon.policies_json(*limit)}};
}

tl::expected<DiffChoice, CallError> choice_in(const json& parameters, const char* name) {
    if (!given(parameters, name)) return DiffChoice{};
    const json& value = parameters[name];
    if (value.is_string()) {
        auto path = path_in(value, name);
        if (!path) return tl::unexpected(path.error());
        return DiffChoice{{}, std::move(*path)};
    }
    const auto number = number_in(value, name, std::numeric_limits<unsigned>::max());
    if (!number) return tl::unexpected(number.error());
    return DiffChoice{*number, {}};
}

CallResult diff(Daemon& daemon, const Caller& caller, const json& parameters) {
    const auto a = choice_in(parameters, "a");
    if (!a) return tl::unexpected(a.error());
    const auto b = choice_in(parameters, "b");
    if (!b) return tl::unexpected(b.error());
    // The daemon reads files that not everybody may.
    if (a->path || b->path)
        if (auto allowed = check_may_change(caller); !allowed)
            return call_error("Refused", "only root may have the daemon read a file");
    auto reply = daemon.diff_json(*a, *b);
    if (!reply) return load_error(reply.error());
    return std::move(*reply);
}

}  // namespace

void add_policy_methods(const AddMethod& add, Daemon* daemon) {
    add("Load",
        [=](const Caller& caller, const json& parameters) { return load(*daemon, caller, parameters); });
    add("Reload", [=](const Caller& caller, const json&) { return load(*daemon, caller, json::object()); });
    add("Confirm", [=](const Caller& caller, const json&) { return confirm(*daemon, caller); });
    add("Rollback",
        [=](const Caller& caller, const json& parameters) { return rollback(*daemon, caller, parameters); });
    add("History", [=](const Caller&, const json& parameters) { return history(*daemon, parameters); });
    add("Diff",
        [=](const Caller& caller, const json& parameters) { return diff(*daemon, caller, parameters); });
    add("Names", [=](const Caller&, const json&) -> CallResult { return daemon->names_json(); });
}

}  // namespace dishwall
