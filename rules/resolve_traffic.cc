// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve_traffic.h"

#include <algorithm>
#include <utility>

namespace dishwall {
namespace {

class TrafficResolver {
public:
    TrafficResolver(Definitions* definitions, const Environment& env, Diagnostics* diagnostics)
        : definitions_(*definitions), env_(env), diagnostics_(*diagnostics) {}

    template <typename Written>
    bool run(const Written& from, Traffic* traffic, std::shared_ptr<const ResolvedService>* service) {
        bool good = read_match(from.match, traffic, service);
        if (good) good = read_ports(from.match, from.from_ports, traffic);
        good &= read_end(from.from, &traffic->from);
        good &= read_end(from.to, &traffic->to);
        // In the image each port is paired with each port of the sender.
        const std::size_t senders = std::max<std::size_t>(traffic->from_ports.size(), 1);
        return good && definitions_.spend_elements(elements_of(traffic->match) * senders, from.span);
    }

private:
    bool read_match(const ast::Match& written, Traffic* made,
                    std::shared_ptr<const ResolvedService>* service) {
        if (written.kind == ast::Match::Kind::service) {
            *service = definitions_.read_service(written.values.front());
            if (*service) made->match = (*service)->alternatives;
            return *service != nullptr;
        }
        auto match = resolve_match(written, env_, &diagnostics_);
        if (match) made->match.push_back(std::move(*match));
        return match.has_value();
    }

    template <typename Optional>
    bool read_end(const Optional& address, AddressSet* set) {
        if (!address) return true;
        auto read = definitions_.read_address(*address);
        if (!read) return false;
        *set = std::move(*read);
        return set->any || definitions_.spend_elements(set->include.size(), address->span);
    }

    // The sender's.
    bool read_ports(const ast::Match& written, const ast::Rare<ast::Words>& words, Traffic* made) {
        if (!words) return true;
        for (const ProtocolMatch& each : made->match) {
            if (!each.proto || has_ports(*each.proto)) continue;
            diagnostics_.report(Code::no_ports, words->front().span, "a port is asked for here")
                .and_at(written.span, "this is not tcp, udp or sctp alone");
            return false;
        }
        const bool one = written.kind == ast::Match::Kind::ports;
        auto read = resolve_ports(*words, one ? written.keyword.text : "", env_, &diagnostics_);
        if (read) made->from_ports = std::move(*read);
        return read.has_value();
    }

    Definitions& definitions_;
    const Environment& env_;
    Diagnostics& diagnostics_;
};

}  // namespace

ResolvedTraffic resolve_traffic(const ast::Traffic& from, Definitions* definitions, const Environment& env,
                                Diagnostics* diagnostics) {
    ResolvedTraffic made;
    made.good = TrafficResolver(definitions, env, diagnostics).run(from, &made.traffic, &made.service);
    return made;
}

bool resolve_traffic(const ast::Rule& from, Definitions* definitions, const Environment& env,
                     Diagnostics* diagnostics, Traffic* traffic,
                     std::shared_ptr<const ResolvedService>* service) {
    return TrafficResolver(definitions, env, diagnostics).run(from, traffic, service);
}

}  // namespace dishwall
