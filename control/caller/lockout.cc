// SPDX-License-Identifier: BSD-3-Clause
#include "control/caller/lockout.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

#include "control/counter_registry.h"
#include "control/ended_flows.h"
#include "rules/evaluate.h"
#include "rules/prove.h"

namespace dishwall {
namespace {

Query opening_of(const TcpConnection& connection) {
    Query query;
    query.peer = connection.peer;
    query.ours = connection.local;
    query.proto = IPPROTO_TCP;
    query.source_port = connection.peer_port;
    query.destination_port = connection.local_port;
    return query;
}

// Ours on this side, and not ours on the other: whoever is behind the gateway does not come through the
// uplink.
bool crosses_the_uplink(const TcpConnection& connection, const Own& own) {
    return is_self(own, connection.local) && !is_self(own, connection.peer) && !locate(own, connection.peer);
}

std::string judged_by(const Judgement& judgement) {
    const std::string verdict = judgement.verdict == DW_DROP     ? "dropped"
                                : judgement.verdict == DW_ACCEPT ? "accepted"
                                                                 : "rejected";
    if (judgement.rule == nullptr) return fmt::format("{} by the default of policy inbound", verdict);
    return fmt::format("{} by rule {} ({})", verdict, judgement.rule->name, to_string(judgement.rule->place));
}

}  // namespace

std::vector<std::string> cut_connections(const std::vector<TcpConnection>& connections, const Own& own,
                                         const Policy& now, const Policy& then) {
    const Own own_then = own_for(own, now.uplink, then.uplink);
    std::vector<std::string> cut;
    for (const TcpConnection& connection : connections) {
        const Query query = opening_of(connection);
        if (!crosses_the_uplink(connection, own) || evaluate(now, own, query).verdict != DW_ACCEPT) continue;
        const Judgement judgement = evaluate(then, own_then, query);
        if (judgement.verdict != DW_ACCEPT)
            cut.push_back(fmt::format("your own connection from {} port {} to {} port {} would be {}",
                                      to_string(connection.peer), connection.peer_port,
                                      to_string(connection.local), connection.local_port,
                                      judged_by(judgement)));
    }
    return cut;
}

std::vector<std::string> broken_protection(const Policy& now, const Policy& then) {
    std::vector<std::string> broken;
    const std::vector<Protected> promised = translate(now, then);
    for (const std::vector<Protected>* lines : {&promised, &then.protects}) {
        if (lines->empty()) continue;
        for (const Broken& one : check_protected(*lines, then)) {
            std::string text = fmt::format("protect {}: {}", one.line->name, one.text);
            if (std::find(broken.begin(), broken.end(), text) == broken.end())
                broken.push_back(std::move(text));
        }
    }
    return broken;
}

}  // namespace dishwall
