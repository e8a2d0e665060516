// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/verbs.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <ostream>
#include <system_error>

#include "control/dishctl/audit.h"
#include "control/dishctl/check.h"
#include "control/dishctl/doctor.h"
#include "control/dishctl/line_views.h"
#include "control/dishctl/prefix_words.h"
#include "control/dishctl/text.h"
#include "control/dishctl/views.h"
#include "control/ipc/client.h"

namespace dishwall {
namespace {

using nlohmann::json;

std::filesystem::path socket_of(const Invocation& invocation) { return invocation.run_dir / "ctl.sock"; }

int exit_code_of(const CallFailure& failure) {
    if (failure.kind == CallFailure::Kind::unreachable) return kUnreachable;
    if (failure.name == "org.dishwall.Refused") return kRefused;
    if (failure.name != "org.dishwall.BadInput") return kFailed;
    return failure.diagnostics.empty() ? kUsage : kCheckFailed;
}

// The one printer of errors.
int report(const Invocation& invocation, const CallFailure& failure) {
    if (!failure.diagnostics.empty()) *invocation.err << failure.diagnostics << "\n";
    fmt::print(*invocation.err, "dishctl: {}", printable(failure.message));
    if (failure.kind == CallFailure::Kind::unreachable)
        *invocation.err << "; start it (systemctl start dishwalld), or name its directory with --run-dir";
    *invocation.err << "\n";
    return exit_code_of(failure);
}

// Words that the command line took and no daemon has to look at.
CallFailure wrong_usage(const Error& error) {
    return {CallFailure::Kind::error, "org.dishwall.BadInput", error.message, ""};
}

std::string document(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

tl::expected<json, CallFailure> ask(const Invocation& invocation, const char* verb, const json& parameters) {
    return IpcClient::connect(socket_of(invocation)).and_then([&](IpcClient client) {
        return client.call(std::string("org.dishwall.") + verb, parameters);
    });
}

// Asks, and shows the reply as JSON or as `show` makes it.
template <typename Show>
int ask_and_show(const Invocation& invocation, const char* verb, const json& parameters, const Show& show) {
    const auto reply = ask(invocation, verb, parameters);
    if (!reply) return report(invocation, reply.error());
    *invocation.out << (invocation.as_json ? document(*reply) : show(*reply));
    return kOk;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

// ---- the verbs

int check(const Invocation& invocation) {
    const CheckReport report = check_rule_file(invocation.words.at(0));
    if (invocation.as_json) {
        *invocation.out << document({{"file", invocation.words.at(0)},
                                     {"good", report.good},
                                     {"message", report.message},
                                     {"diagnostics", report.diagnostics},
                                     {"rules", {{"inbound", report.inbound}, {"outbound", report.outbound}}},
                                     {"networks", report.networks},
                                     {"image_bytes", report.image_bytes}});
    } else {
        *invocation.err << report.diagnostics << (report.diagnostics.empty() ? "" : "\n");
        if (report.good) *invocation.out << report.message << "\n";
        if (!report.good) *invocation.err << "dishctl: " << report.message << "\n";
    }
    if (!report.readable) return kFailed;
    return report.good ? kOk : kCheckFailed;
}

// RFC 6092 is the only standard that there is a table for: the command line takes no other word.
int audit(const Invocation& invocation) {
    *invocation.out << (invocation.as_json ? document(audit_document(rfc6092()))
                                           : audit_view(rfc6092(), invocation.view));
    return kOk;
}

int load(const Invocation& invocation) {
    json config;  // null: the file that is in force, again
    if (!invocation.words.empty()) {
        std::error_code error;  // only a current directory that is gone
        config = std::filesystem::absolute(invocation.words.front(), error).lexically_normal().string();
    }
    return ask_and_show(invocation, "Load", {{"config", config}}, load_view);
}

int status(const Invocation& invocation) {
    return ask_and_show(invocation, "Status", json::object(),
                        [&](const json& reply) { return status_view(reply, invocation.view); });
}

int flows(const Invocation& invocation) {
    json parameters = json::object();
    if (invocation.limit) parameters["limit"] = *invocation.limit;
    return ask_and_show(invocation, "Flows", parameters,
                        [&](const json& reply) { return flows_view(reply, invocation.view); });
}

int counters(const Invocation& invocation) {
    return ask_and_show(invocation, "Counters", json::object(), [&](const json& reply) {
        return counters_view(reply, invocation.view, invocation.all);
    });
}

int hosts(const Invocation& invocation) {
    return ask_and_show(invocation, "Hosts", json::object(),
                        [&](const json& reply) { return hosts_view(reply, invocation.view); });
}

std::string message_view(const json& reply) { return printable(text_of(reply, "message")) + "\n"; }

int prefix(const Invocation& invocation) {
    Result<PrefixRequest> request = parse_prefix_words(invocation.words);
    if (request && invocation.limit && request->kind != PrefixRequest::Kind::history)
        request = fail("--limit is for the history; write: dishctl prefix history --limit N");
    if (!request) return report(invocation, wrong_usage(request.error()));
    if (invocation.limit) request->parameters["limit"] = *invocation.limit;
    switch (request->kind) {
        case PrefixRequest::Kind::history:
            return ask_and_show(invocation, "PrefixHistory", request->parameters,
                                [&](const json& reply) { return history_view(reply, invocation.view); });
        case PrefixRequest::Kind::set:
            return ask_and_show(invocation, "PrefixSet", request->parameters, message_view);
        case PrefixRequest::Kind::withdraw:
            return ask_and_show(invocation, "PrefixWithdraw", request->parameters, message_view);
        case PrefixRequest::Kind::show:
            break;
    }
    return ask_and_show(invocation, "Prefix", request->parameters,
                        [&](const json& reply) { return prefix_view(reply, invocation.view); });
}

int explain(const Invocation& invocation) {
    const json parameters{{"packet", joined(invocation.words)}};
    const auto reply = ask(invocation, "Explain", parameters);
    if (!reply) return report(invocation, reply.error());
    *invocation.out << (invocation.as_json ? document(*reply) : explain_view(*reply, invocation.view));
    return part_of(*reply, "agree") != false ? kOk : kFailed;
}

// One event a line, each on its way at once: the reader may be a pipe.
int monitor(const Invocation& invocation) {
    auto client = IpcClient::connect(socket_of(invocation));
    if (!client) return report(invocation, client.error());
    std::uint64_t seen = 0;
    const auto show = [&](const json& event) {
        *invocation.out << (invocation.as_json ? document(event) : event_view(event, invocation.view))
                        << std::flush;
        return invocation.out->good() && (invocation.events == 0 || ++seen < invocation.events);
    };
    const auto done = client->stream("org.dishwall.Monitor", json::object(), show);
    return done ? kOk : report(invocation, done.error());
}

int doctor(const Invocation& invocation) {
    const std::vector<Examined> all = examine(read_machine(invocation.run_dir, invocation.config));
    *invocation.out << (invocation.as_json ? document(doctor_document(all))
                                           : doctor_view(all, invocation.view));
    return is_healthy(all) ? kOk : kFailed;
}

int unload(const Invocation& invocation) {
    const int code = ask_and_show(invocation, "Unload", json::object(), message_view);
    if (code == kUnreachable)
        *invocation.err
            << "dishctl: if no daemon runs, 'dishwalld --unload' takes off what one left behind\n";
    return code;
}

// Says its own version even when there is nobody to ask.
int version(const Invocation& invocation) {
    const auto reply = ask(invocation, "Version", json::object());
    const std::string daemon = reply ? text_of(*reply, "version") : "";
    if (invocation.as_json) {
        *invocation.out << document(
            {{"dishctl", DISHWALL_VERSION}, {"dishwalld", reply ? json(daemon) : json(nullptr)}});
    } else {
        *invocation.out << "dishctl " << DISHWALL_VERSION << "\n";
        if (reply)
            *invocation.out << "dishwalld " << daemon << "\n";
        else
            *invocation.out << "dishwalld: " << printable(reply.error().message) << "\n";
    }
    return kOk;
}

constexpr Verb kVerbs[] = {
    {"check", "FILE", "tell whether a rule file is good; needs no daemon and no rights",
     "  dishctl check /etc/dishwall/dishwall.conf\n"
     "  dishctl check my.conf && sudo dishctl load my.conf",
     check},
    {"load", "[FILE]", "put a rule file in force; without FILE, read the one in force again",
     "  dishctl load\n"
     "  dishctl load ./my.conf",
     load},
    {"status", "", "show what is in force, and where", "  dishctl status\n  dishctl status -j | jq .xdp_mode",
     status},
    {"flows", "", "list the flows, the last one seen first",
     "  dishctl flows\n"
     "  dishctl flows --limit 0\n"
     "  dishctl flows -j | jq '.flows[] | select(.origin == \"outside\")'",
     flows},
    {"counters", "", "show packets and bytes by reason and by rule",
     "  dishctl counters\n  dishctl counters --all", counters},
    {"prefix", "[WORD...]", "show our prefixes and their states, what changed, or tell of a delegation",
     "  dishctl prefix\n"
     "  dishctl prefix history --limit 20\n"
     "  dishctl prefix set dish.pd 2001:db8:1100::/56 valid 300 preferred 150\n"
     "  dishctl prefix withdraw dish.pd",
     prefix},
    {"hosts", "", "list the hosts that are followed by device or by name, with their addresses",
     "  dishctl hosts\n  dishctl hosts -j | jq -r '.hosts[] | select(.addresses == []) | .name'", hosts},
    {"explain", "PACKET", "say what would happen to a packet, and why; changes nothing",
     "  dishctl explain 'in tcp [2001:db8:1::1]:40000 > [2001:db8:1100:1::10]:443 S'\n"
     "  dishctl explain 'out udp [2001:db8:1100:1::20]:5000 > [2001:db8:9::1]:53'\n"
     "  dishctl explain 'in icmpv6 echo-request 2001:db8:1::1 > 2001:db8:1100:1::10'",
     explain},
    {"monitor", "", "show drops (a sample of them) and changes of prefixes and hosts as they happen",
     "  dishctl monitor\n  dishctl monitor --count 10\n  dishctl monitor -j | jq -c 'select(.kind == "
     "\"prefix\")'",
     monitor},
    {"audit", "STANDARD", "show what is done of RFC 6092, and which tests show it; needs no daemon",
     "  dishctl audit rfc6092\n"
     "  dishctl audit rfc6092 -j | jq '.recommendations[] | select(.status != \"met\")'",
     audit},
    {"doctor", "", "look at this machine and say what to do about each thing that is wrong; needs no daemon",
     "  dishctl doctor\n"
     "  dishctl doctor --config ./my.conf\n"
     "  dishctl doctor -j | jq -r '.checks[] | select(.result == \"failed\") | .todo'",
     doctor},
    {"unload", "", "take dishwall off the uplink: everything passes from then on", "  dishctl unload",
     unload},
    {"version", "", "show the versions of dishctl and of the daemon", "  dishctl version", version},
};

}  // namespace

std::span<const Verb> all_verbs() { return kVerbs; }

}  // namespace dishwall
