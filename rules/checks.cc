// SPDX-License-Identifier: BSD-3-Clause
#include "rules/checks.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <iterator>

namespace dishwall {
namespace {

struct BlockedPort {
    std::uint8_t proto;
    std::uint16_t port;
};
// Starlink: no mail and no Windows file sharing from or to customers.
constexpr BlockedPort kBlocked[] = {{IPPROTO_TCP, 25}, {IPPROTO_TCP, 445}, {IPPROTO_UDP, 445}};

// A range this wide was not written for the blocked port in it.
constexpr unsigned kWideRange = 1000;

const BlockedPort* blocked_in(std::uint8_t proto, const PortRange& range) {
    if (range.last - range.first >= int{kWideRange}) return nullptr;
    for (const BlockedPort& each : kBlocked)
        if (each.proto == proto && range.first <= each.port && each.port <= range.last) return &each;
    return nullptr;
}

void warn_of_blocked_ports(const Rule& rule, const RuleOrigin& origin, bool outbound,
                           Diagnostics* diagnostics) {
    if (rule.verdict != DW_ACCEPT) return;
    for (std::size_t i = 0; i < rule.match.size(); ++i) {
        for (std::size_t j = 0; j < rule.match[i].ports.size(); ++j) {
            const BlockedPort* blocked = blocked_in(rule.match[i].proto.value_or(0), rule.match[i].ports[j]);
            if (!blocked) continue;
            const bool by_service = origin.written->match.kind == ast::Match::Kind::service;
            const Span& port = port_span(origin.match(i), j);
            Diagnostic& report = diagnostics->report(
                Code::carrier_blocked, by_service ? origin.written->match.span : port,
                fmt::format("nothing {} for {} port {}", outbound ? "leaves" : "arrives",
                            blocked->proto == IPPROTO_TCP ? "tcp" : "udp", blocked->port));
            if (by_service) report.and_at(port, "in the service");
            report.with_help(outbound ? "send mail by a relay's port 587; share files through a tunnel"
                                      : "use another port, or a tunnel");
        }
    }
}

// In the /64 between dish and uplink only this box's own addresses are ours (R6).
void warn_of_dish_side(const Rule& rule, const RuleOrigin& origin, const Uplink& uplink,
                       Diagnostics* diagnostics) {
    if (rule.verdict != DW_ACCEPT) return;
    for (const AddressElement& element : rule.to.include) {
        const auto* place = std::get_if<Behind>(&element);
        if (!place || place->interface_id) continue;
        const PrefixSource& source = uplink.sources[place->source];
        if (!std::holds_alternative<FromRouterAdvertisement>(source.from) || !origin.written->to) continue;
        diagnostics->report(Code::dish_side, origin.written->to->span, "only this box is reached there")
            .with_help("for this box write `to self`; devices behind it are in a network of a delegation");
        return;
    }
}

}  // namespace

void check(const Resolved& resolved, Diagnostics* diagnostics) {
    const Policy& policy = resolved.policy;
    for (std::size_t i = 0; i < policy.inbound.rules.size(); ++i) {
        warn_of_blocked_ports(policy.inbound.rules[i], resolved.inbound[i], false, diagnostics);
        warn_of_dish_side(policy.inbound.rules[i], resolved.inbound[i], policy.uplink, diagnostics);
    }
    for (std::size_t i = 0; i < policy.outbound.rules.size(); ++i)
        warn_of_blocked_ports(policy.outbound.rules[i], resolved.outbound[i], true, diagnostics);
}

}  // namespace dishwall
