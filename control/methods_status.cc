// SPDX-License-Identifier: BSD-3-Clause
//
// Status: everything about the daemon, its device and its line at a glance.
#include <unistd.h>

#include "control/clock.h"
#include "control/image_json.h"
#include "control/methods.h"
#include "control/methods_parts.h"

namespace dishwall {
namespace {

using nlohmann::json;

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
        reply["egress"] = attachment->egress() == TcKind::tcx ? "tcx" : "clsact";
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

// Of the policy in force. "held": memory of both banks; the other one is that of the policy before.
json image(Daemon& daemon) {
    const std::size_t chunks = daemon.datapath().policy().chunks();
    json reply = image_json(daemon.cost());
    reply.update({{"chunks", chunks}, {"held", chunks * DW_CHUNK_SIZE}});
    return reply;
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

// What inspection came to, with what the programs counted of its packets: only they see those that went past
// it.
json inspection(Daemon& daemon) {
    json reply = daemon.inspection_json();
    if (reply.is_null()) return reply;
    const auto packets = [&](std::uint32_t reason) {
        return daemon.datapath().counters().total(reason).packets;
    };
    reply["packets"] = {
        {"given", packets(DW_REASON_INSPECT)},         {"clean", packets(DW_REASON_INSPECT_CLEAN)},
        {"around", packets(DW_REASON_INSPECT_AROUND)}, {"failed", packets(DW_REASON_INSPECT_FAILED)},
        {"signature", packets(DW_REASON_SIGNATURE)},   {"banned", packets(DW_REASON_BANNED)}};
    return reply;
}

json status(Daemon& daemon) {
    const Policy& policy = daemon.policy();
    Datapath& datapath = daemon.datapath();
    const FlowTable table = datapath.flows();
    json reply{
        {"version", kVersion},
        {"pid", ::getpid()},
        {"uplink", policy.uplink.name},
        {"guard", guard(daemon.sentry())},
        {"routers", routers(daemon)},
        {"config", daemon.options().config},
        {"loaded_at", iso_time(daemon.loaded_at())},
        {"generation", datapath.policy().generation()},
        {"rules", {{"inbound", policy.inbound.rules.size()}, {"outbound", policy.outbound.rules.size()}}},
        {"image", image(daemon)},
        {"flow_table", {{"slots", table.flows.size()}, {"bytes", table.bytes()}}},
        {"layout", DW_LAYOUT_VERSION},
        {"pin_dir", daemon.options().pin_dir},
        {"state_dir", daemon.options().state_dir},
        {"prefixes", daemon.prefixes()},
        {"line", daemon.line_json()},
        {"dns", daemon.dns_json()},
        {"hosts", hosts_summary(daemon.hosts_json())},
        {"feeds", daemon.feeds_json()},
        {"inspection", inspection(daemon)},
    };
    reply.update(daemon.standing_json());
    reply.update(device(daemon.sentry()));
    return reply;
}

}  // namespace

void add_status_methods(const AddMethod& add, Daemon* daemon) {
    add("Version", [](const Caller&, const json&) -> CallResult { return json{{"version", kVersion}}; });
    add("Status", [=](const Caller&, const json&) -> CallResult { return status(*daemon); });
    add("Hosts", [=](const Caller&, const json&) -> CallResult {
        return json{{"hosts", daemon->hosts_json()}};
    });
}

}  // namespace dishwall
