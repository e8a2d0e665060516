// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/event_json.h"

#include <arpa/inet.h>
#include <endian.h>

#include <nlohmann/json.hpp>

#include "rules/signatures.h"

namespace dishwall {
namespace {

std::string text_of(const dw_in6& address) {
    const std::uint64_t wire[2] = {htobe64(address.hi), htobe64(address.lo)};
    char text[INET6_ADDRSTRLEN]{};
    ::inet_ntop(AF_INET6, wire, text, sizeof text);
    return text;
}

}  // namespace

std::string event_json(const InspectEvent& event) {
    return nlohmann::json{{"kind", name_of(event.kind)},
                          {"set", event.set},
                          {"signature", event.signature},
                          {"rule", event.rule},
                          {"action", name_of(event.action)},
                          {"proto", event.proto},
                          {"source", text_of(event.source)},
                          {"sport", event.sport},
                          {"destination", text_of(event.destination)},
                          {"dport", event.dport},
                          {"direction", event.inbound ? "in" : "out"},
                          {"banned_s", event.banned_s}}
        .dump();
}

}  // namespace dishwall
