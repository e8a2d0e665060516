// SPDX-License-Identifier: BSD-3-Clause
//
// What stands in the gateway and is measured: nothing but XDP, dishwall, or one of its peers. All of them
// enforce the same policy (the published services, replies to flows from inside, nothing else) and say in
// their own counters how many packets met which fate; the gate compares that with what was offered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/live/packet_set.h"
#include "bench/live/site.h"
#include "bench/published.h"

namespace dishwall::bench {

// Where an accepted packet ends. `ingress` drops it as soon as it is an skb, before routing, so that what the
// verdict itself costs is not lost in the noise of forwarding.
enum class End { ingress, lan };

// What one search of a policy may come to, at the most, by its compiler.
struct WorstSearch {
    std::uint32_t lines = 0;  // of memory, read one after the other
    std::uint32_t rules = 0;  // verified
};

class Subject {
public:
    virtual ~Subject() = default;
    // Enforces the policy on the site's gateway. Called once.
    [[nodiscard]] virtual Result<void> arm(const Site& site) = 0;
    // Packets so far, by their fate.
    [[nodiscard]] virtual Result<Fates> counted(const Site& site) = 0;
    // For packets from the Internet; empty: it cannot tell.
    [[nodiscard]] virtual std::optional<WorstSearch> worst() const { return {}; }
    // False: it does not judge, and counts every packet as denied, whatever it is.
    [[nodiscard]] virtual bool judges() const { return true; }
    // False: nothing gets through, whatever it is.
    [[nodiscard]] virtual bool passes() const { return true; }
    // Forgets the flows of the last run where the subject would otherwise fill up.
    [[nodiscard]] virtual Result<void> forget(const Site&) { return {}; }
};
using SubjectPtr = std::unique_ptr<Subject>;

enum class BareProgram { none, drop, drop_parsed, pass };
[[nodiscard]] SubjectPtr bare(BareProgram program);
// The same behind dishwall's guard (control/guard.h), open for the uplink: what the guard costs by itself.
[[nodiscard]] SubjectPtr guarded(BareProgram program);

// nftables. At netdev ingress it is stateless; in the forward hook it has conntrack, which is what a gateway
// really runs. `hash_set`: one concatenated set, its best shape for exact ports; `interval_set`: the same
// with intervals, for ranges of ports; `linear`: a rule a service, as people write it.
enum class NftHook { netdev, forward };
enum class NftShape { hash_set, interval_set, linear };
[[nodiscard]] SubjectPtr nftables(NftHook hook, NftShape shape, std::vector<PublishedService> services);

// ip6tables of old (not the one that translates to nftables): a rule a service in FORWARD, without conntrack.
// It has no other shape.
[[nodiscard]] SubjectPtr legacy_ip6tables(std::vector<PublishedService> services);

// xdp-filter of xdp-tools: drops all but listed addresses. It cannot say "this port of this host", has no
// state, and holds 10,000 addresses, so it gets the services' hosts: less than the others are asked for.
[[nodiscard]] SubjectPtr xdp_filter(std::vector<PublishedService> services);
inline constexpr unsigned kMostXdpFilterHosts = 10000;

// A rule to end accepted packets at ingress, and how many it ended. It is the same for every subject.
[[nodiscard]] Result<void> arm_ingress_end(const Site& site);
[[nodiscard]] Result<std::uint64_t> ended_at_ingress(const Site& site);

struct DishwallSetup {
    std::string daemon, control;  // paths of dishwalld and dishctl
    std::string directory;        // of this instance: rule file, socket, state
    std::string pins;             // on a bpffs
};
[[nodiscard]] SubjectPtr dishwall(DishwallSetup setup, std::string rule_file);

}  // namespace dishwall::bench
