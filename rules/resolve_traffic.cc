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
    ResolvedTraffic run(const Written& from) {
        ResolvedTraffic made;
        made.match = definitions_.read_match(from.match);
        made.good = made.match != nullptr;
        made.good &= read_ports(from.match, from.from_ports, made.match.get(), &made.traffic.from_ports);
        made.good &= read_end(from.from, &made.traffic.from);
        made.good &= read_end(from.to, &made.traffic.to);
        // In the image each port is paired with each port of the sender.
        const std::size_t senders = std::max<std::size_t>(made.traffic.from_ports.size(), 1);
        made.good = made.good && definitions_.spend_elements(made.match->elements() * senders, from.span);
        if (made.good) made.traffic.match = made.match->alternatives;
        return made;
    }

private:
    bool read_end(const std::optional<ast::Address>& address, AddressSet* set) {
        if (!address) return true;
        auto read = definitions_.read_address(*address);
        if (!read) return false;
        *set = std::move(*read);
        return set->any || definitions_.spend_elements(set->include.size(), address->span);
    }

    // The sender's.
    bool read_ports(const ast::Match& written, const std::vector<ast::Word>& words,
                    const ResolvedMatch* match, std::vector<PortRange>* ports) {
        if (words.empty() || !match) return true;
        for (const ProtocolMatch& each : match->alternatives) {
            if (!each.proto || has_ports(*each.proto)) continue;
            diagnostics_.report(Code::no_ports, words.front().span, "a port is asked for here")
                .and_at(written.span, "this is not tcp, udp or sctp alone");
            return false;
        }
        const bool one = written.kind == ast::Match::Kind::ports;
        auto read = resolve_ports(words, one ? written.keyword.text : "", env_, &diagnostics_);
        if (read) *ports = std::move(*read);
        return read.has_value();
    }

    Definitions& definitions_;
    const Environment& env_;
    Diagnostics& diagnostics_;
};

}  // namespace

ResolvedTraffic resolve_traffic(const ast::Traffic& from, Definitions* definitions, const Environment& env,
                                Diagnostics* diagnostics) {
    return TrafficResolver(definitions, env, diagnostics).run(from);
}

ResolvedTraffic resolve_traffic(const ast::Rule& from, Definitions* definitions, const Environment& env,
                                Diagnostics* diagnostics) {
    return TrafficResolver(definitions, env, diagnostics).run(from);
}

}  // namespace dishwall
