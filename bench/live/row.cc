// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/row.h"

#include <algorithm>
#include <array>
#include <fstream>

namespace dishwall::bench {
namespace {

constexpr std::uint32_t kLongestFlowRun = 131072;  // half of the usual nf_conntrack_max
constexpr std::uint32_t kVerdictCheck = 1024;  // frames that must meet their fate before anything is timed

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

Result<void> expect(std::string_view what, std::uint64_t before, std::uint64_t after,
                    std::uint64_t expected) {
    if (after - before == expected) return {};
    return fail("{}: {} packets, expected {}", what, after - before, expected);
}

std::string_view text_of(Fate fate) {
    if (fate == Fate::denied) return "denied";
    return fate == Fate::accepted_by_rule ? "accepted by rule" : "accepted as part of a flow";
}

// A frame with a wrong checksum would be cheap to refuse, and conntrack would call it invalid.
Result<void> check_checksums(Generator& generator, const dw_traffic& packets) {
    for (std::uint64_t number = 0; number < 64; ++number) {
        auto frame = generator.write_one(packets, number);
        if (!frame) return tl::unexpected(frame.error());
        if (!checksum_is_right(*frame)) return fail("packet {} of the set has a wrong checksum", number);
    }
    return {};
}

}  // namespace

Result<Row::Reading> Row::read(Fate fate, End end) const {
    Reading reading;
    auto counted = plan_.subject->counted(site_, fate);
    if (!counted) return tl::unexpected(counted.error());
    reading.fate = *counted;
    if (end == End::ingress) {
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

Result<Sample> Row::send(const NetworkNamespace& world, Generator& generator, const dw_traffic& packets,
                         std::uint64_t cursor, std::uint32_t frames) {
    auto before = read(plan_.fate, plan_.end);
    if (!before) return tl::unexpected(before.error());
    auto offered = generator.send(world, site_.internet_end(), packets, cursor, frames);
    if (!offered) return tl::unexpected(offered.error());
    auto after = read(plan_.fate, plan_.end);
    if (!after) return tl::unexpected(after.error());

    const std::uint64_t to_lan = plan_.end == End::lan ? offered->frames : 0;
    if (auto ok = expect(text_of(plan_.fate), before->fate, after->fate, offered->frames); !ok)
        return tl::unexpected(ok.error());
    if (auto ok = expect("reached the LAN", before->reached_lan, after->reached_lan, to_lan); !ok)
        return tl::unexpected(ok.error());
    if (plan_.end == End::ingress)
        if (auto ok = expect("ended at ingress", before->ended_at_ingress, after->ended_at_ingress,
                             offered->frames);
            !ok)
            return tl::unexpected(ok.error());
    if (auto ok = expect("errors in /proc/net/snmp6", before->ip_errors, after->ip_errors, 0); !ok)
        return tl::unexpected(ok.error());
    return Sample{offered->ns_per_frame, offered->frames, offered->preemptions};
}

// Flows are opened as on a real gateway: packets from the LAN, forwarded by the kernel, out of the uplink. So
// they pass dishwall's egress program, or netfilter's forward hook, on their way.
Result<void> Row::open_and_check_flows(const NetworkNamespace& world, Generator& generator) {
    const std::uint64_t before = site_.reached_internet();
    auto offered = generator.send(world, site_.lan_end(), open_flows(), 0, kFlows);
    if (!offered) return tl::unexpected(offered.error());
    if (auto ok = expect("left for the Internet", before, site_.reached_internet(), kFlows); !ok)
        return fail_with(ok.error(), "opening flows from inside");
    auto answered = send(world, generator, replies_in_order(), 0, kFlows);
    if (!answered) return fail_with(answered.error(), "one reply to each flow");
    return {};
}

Result<Row> Row::build(RowPlan plan, const NetworkNamespace& world, unsigned number, Generator& generator) {
    auto site = Site::create(world, number);
    if (!site) return tl::unexpected(site.error());
    Row row(std::move(plan), std::move(*site));
    for (const dw_traffic& packets : {row.plan_.packets, open_flows()})
        if (auto right = check_checksums(generator, packets); !right) return tl::unexpected(right.error());
    if (auto armed = row.plan_.subject->arm(row.site_); !armed) return tl::unexpected(armed.error());
    if (row.plan_.end == End::ingress)
        if (auto armed = arm_ingress_end(row.site_); !armed) return tl::unexpected(armed.error());
    if (row.plan_.needs_flows)
        if (auto opened = row.open_and_check_flows(world, generator); !opened)
            return tl::unexpected(opened.error());
    if (auto checked = row.measure(world, generator, kVerdictCheck); !checked)
        return fail_with(checked.error(), "before timing");
    return row;
}

Result<Sample> Row::measure(const NetworkNamespace& world, Generator& generator, std::uint32_t frames) {
    if (plan_.a_flow_a_packet) {
        frames = std::min(frames, kLongestFlowRun);
        if (auto done = plan_.subject->forget(site_); !done) return tl::unexpected(done.error());
    }
    const std::uint64_t first = cursor_;
    cursor_ += frames;
    return send(world, generator, plan_.packets, first, frames);
}

}  // namespace dishwall::bench
