// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/station.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace dishwall::bench {
namespace {

// Counters of /proc/net/snmp6 that mean a packet was refused by somebody else than the subject.
constexpr std::array<std::string_view, 17> kErrors = {
    "Ip6InHdrErrors",     "Ip6InTooBigErrors",  "Ip6InNoRoutes",  "Ip6InAddrErrors",
    "Ip6InUnknownProtos", "Ip6InTruncatedPkts", "Ip6InDiscards",  "Ip6OutDiscards",
    "Ip6OutNoRoutes",     "Icmp6InErrors",      "Icmp6OutErrors", "Icmp6OutDestUnreachs",
    "Icmp6OutPktTooBigs", "Icmp6OutTimeExcds",  "Udp6NoPorts",    "Udp6InErrors",
    "Udp6InCsumErrors"};

Result<std::uint64_t> ip_errors(const NetworkNamespace& where) {
    auto inside = Inside::enter(where);
    if (!inside) return tl::unexpected(inside.error());
    std::ifstream file("/proc/thread-self/net/snmp6");
    if (!file) return fail("cannot read /proc/net/snmp6");
    std::uint64_t sum = 0, value = 0;
    for (std::string name; file >> name >> value;)
        if (std::find(kErrors.begin(), kErrors.end(), name) != kErrors.end()) sum += value;
    return sum;
}

Result<void> expect(std::string_view what, std::uint64_t counted, std::uint64_t expected) {
    if (counted == expected) return {};
    return fail("{}: {} packets, expected {}", what, counted, expected);
}

}  // namespace

Result<Station> Station::build(StationPlan plan, const NetworkNamespace& world, unsigned number) {
    auto site = Site::create(world, number);
    if (!site) return tl::unexpected(site.error());
    Station station(std::move(plan), std::move(*site));
    if (auto armed = station.plan_.subject->arm(station.site_); !armed) return tl::unexpected(armed.error());
    if (station.plan_.end == End::ingress)
        if (auto armed = arm_ingress_end(station.site_); !armed) return tl::unexpected(armed.error());
    return station;
}

Result<Station::Reading> Station::read() const {
    Reading reading;
    auto counted = plan_.subject->counted(site_);
    if (!counted) return tl::unexpected(counted.error());
    reading.fates = *counted;
    if (plan_.end == End::ingress) {
        auto ended = ended_at_ingress(site_);
        if (!ended) return tl::unexpected(ended.error());
        reading.ended_at_ingress = *ended;
    }
    reading.reached_lan = site_.reached_lan();
    auto errors = ip_errors(site_.gateway());
    if (!errors) return tl::unexpected(errors.error());
    reading.ip_errors = *errors;
    return reading;
}

Result<void> Station::compare(const Reading& before, const Reading& after, const Fates& expected) const {
    const Subject& subject = *plan_.subject;
    const Fates met = after.fates - before.fates;
    std::uint64_t through = subject.judges() ? expected.accepted() : expected.total();
    if (!subject.passes()) through = 0;
    const bool forwarded = plan_.end == End::lan;
    Result<void> ok;
    if (!subject.judges())
        ok = expect("seen", met.total(), expected.total());
    else if (ok = expect("denied", met.denied, expected.denied); ok)
        if (ok = expect("accepted by rule", met.by_rule, expected.by_rule); ok)
            ok = expect("accepted as part of a flow", met.in_flow, expected.in_flow);
    if (ok)
        ok = expect("ended at ingress", after.ended_at_ingress - before.ended_at_ingress,
                    forwarded ? 0 : through);
    if (ok) ok = expect("reached the LAN", after.reached_lan - before.reached_lan, forwarded ? through : 0);
    if (ok) ok = expect("errors in /proc/net/snmp6", after.ip_errors - before.ip_errors, 0);
    return ok;
}

Result<Offered> Station::pass(const NetworkNamespace& world, Generator& generator, const Passage& passage) {
    const PacketSet& packets = *passage.packets;
    auto before = read();
    if (!before) return tl::unexpected(before.error());
    auto offered = generator.send(world, site_.internet_end(), packets.traffic, passage.cursor,
                                  passage.frames, packets.listing());
    if (!offered) return tl::unexpected(offered.error());
    auto after = read();
    if (!after) return tl::unexpected(after.error());
    if (auto held = compare(*before, *after, packets.expected(passage.cursor, offered->frames)); !held)
        return tl::unexpected(held.error());
    return *offered;
}

// As on a real gateway: packets from the LAN, forwarded by the kernel, out of the uplink. So they pass
// dishwall's egress program, or netfilter's forward hook, on their way.
Result<void> Station::open(const NetworkNamespace& world, Generator& generator, unsigned flows) {
    const std::uint64_t before = site_.reached_internet();
    auto offered = generator.send(world, site_.lan_end(), open_flows(flows).traffic, 0, flows);
    if (!offered) return tl::unexpected(offered.error());
    if (auto ok = expect("left for the Internet", site_.reached_internet() - before, flows); !ok)
        return fail_with(ok.error(), "opening flows from inside");
    const PacketSet answers = replies_in_order(flows);
    auto answered = pass(world, generator, {&answers, 0, flows});
    if (!answered) return fail_with(answered.error(), "one reply to each flow");
    return {};
}

}  // namespace dishwall::bench
