// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/state_verbs.h"

#include <algorithm>

#include "control/dishctl/ask.h"
#include "control/dishctl/audit.h"
#include "control/dishctl/doctor.h"
#include "control/dishctl/flow_views.h"
#include "control/dishctl/line_views.h"
#include "control/dishctl/prefix_words.h"
#include "control/dishctl/text.h"
#include "control/dishctl/views.h"

namespace dishwall {
namespace {

using nlohmann::json;

// Words that the command line took and no daemon has to look at.
int wrong_usage(const Invocation& invocation, const std::string& message) {
    return report(invocation, message, kUsage);
}

// Of a list of the reply, only what was named; empty names: all. Fails on a name that is not there.
Result<json> only_named(const json& list, const std::vector<std::string>& names, const char* kind) {
    if (names.empty()) return list;
    json chosen = json::array();
    for (const std::string& name : names) {
        const auto found =
            std::ranges::find_if(list, [&](const json& one) { return text_of(one, "name") == name; });
        if (found == list.end()) return fail("no {} is called {}", kind, name);
        chosen.push_back(*found);
    }
    return chosen;
}

// Asks for a reply with a list of named things, and shows those that were named.
template <typename Show>
int ask_and_show_named(const Invocation& invocation, const char* method, const char* list, const char* kind,
                       const Show& show) {
    auto reply = ask(invocation, method, json::object());
    if (!reply) return report(invocation, reply.error());
    if (!invocation.words.empty()) {
        Result<json> chosen = only_named(part_of(*reply, list), invocation.words, kind);
        if (!chosen) return report(invocation, chosen.error().message, kFailed);
        (*reply)[list] = std::move(*chosen);
    }
    *invocation.out << (invocation.as_json ? document(*reply) : show(*reply));
    return kOk;
}

}  // namespace

int run_status(const Invocation& invocation) {
    return ask_and_show(invocation, "Status", json::object(),
                        [&](const json& reply) { return status_view(reply, invocation.view); });
}

int run_flows(const Invocation& invocation) {
    json parameters = json::object();
    if (invocation.limit) parameters["limit"] = *invocation.limit;
    return ask_and_show(invocation, "Flows", parameters,
                        [&](const json& reply) { return flows_view(reply, invocation.view); });
}

// Rules that were named are shown whether they counted or not, and nothing beside them.
int run_counters(const Invocation& invocation) {
    return ask_and_show_named(invocation, "Counters", "rules", "rule", [&](const json& reply) {
        return invocation.words.empty() ? counters_view(reply, invocation.view, invocation.all)
                                        : rule_counters_view(reply, invocation.view);
    });
}

int run_hosts(const Invocation& invocation) {
    return ask_and_show_named(invocation, "Hosts", "hosts", "host",
                              [&](const json& reply) { return hosts_view(reply, invocation.view); });
}

int run_prefix(const Invocation& invocation) {
    Result<PrefixRequest> request = parse_prefix_words(invocation.words);
    if (request && invocation.limit && request->kind != PrefixRequest::Kind::history)
        request = fail("--limit is for the history; write: dishctl prefix history --limit N");
    if (!request) return wrong_usage(invocation, request.error().message);
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

// One event a line, each on its way at once: the reader may be a pipe.
int run_monitor(const Invocation& invocation) {
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

int run_audit(const Invocation& invocation) {
    if (invocation.words.front() != "rfc6092")
        return wrong_usage(invocation, "rfc6092 is the only standard that there is a table for");
    *invocation.out << (invocation.as_json ? document(audit_document(rfc6092()))
                                           : audit_view(rfc6092(), invocation.view));
    return kOk;
}

int run_doctor(const Invocation& invocation) {
    const std::vector<Examined> all = examine(read_machine(invocation.run_dir, invocation.config));
    *invocation.out << (invocation.as_json ? document(doctor_document(all))
                                           : doctor_view(all, invocation.view));
    return is_healthy(all) ? kOk : kFailed;
}

int run_unload(const Invocation& invocation) {
    const int code = ask_and_show(invocation, "Unload", json::object(), message_view);
    if (code == kUnreachable)
        *invocation.err
            << "dishctl: if no daemon runs, 'dishwalld --unload' takes off what one left behind\n";
    return code;
}

// Says its own version even when there is nobody to ask.
int run_version(const Invocation& invocation) {
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

}  // namespace dishwall
