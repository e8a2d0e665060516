// SPDX-License-Identifier: BSD-3-Clause
//
// What stands in the gateway and is measured: nothing but XDP, nftables, or dishwall. All of them enforce the
// same policy (the published services, replies to flows from inside, nothing else) and say in their own
// counters how many packets met which fate; the gate compares that with what was offered.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/live/site.h"
#include "bench/published.h"

namespace dishwall::bench {

enum class Fate { denied, accepted_by_rule, belongs_to_flow };

// Where an accepted packet ends. `ingress` drops it as soon as it is an skb, before routing, so that what the
// verdict itself costs is not lost in the noise of forwarding.
enum class End { nowhere, ingress, lan };

class Subject {
public:
    virtual ~Subject() = default;
    // Enforces the policy on the site's gateway. Called once.
    [[nodiscard]] virtual Result<void> arm(const Site& site) = 0;
    // Packets that met this fate so far.
    [[nodiscard]] virtual Result<std::uint64_t> counted(const Site& site, Fate fate) = 0;
    // Forgets the flows of the last run where the subject would otherwise fill up.
    [[nodiscard]] virtual Result<void> forget(const Site&) { return {}; }
};

enum class BareProgram { none, drop, drop_parsed, pass };
[[nodiscard]] std::unique_ptr<Subject> bare(BareProgram program);
// The same behind dishwall's guard (control/guard.h), open for the uplink: what the guard costs by itself.
[[nodiscard]] std::unique_ptr<Subject> guarded(BareProgram program);

[[nodiscard]] std::unique_ptr<Subject> nft_netdev(std::vector<PublishedService> services);
[[nodiscard]] std::unique_ptr<Subject> nft_forward(std::vector<PublishedService> services);

// A rule to end accepted packets at ingress, and how many it ended. It is the same for every subject.
[[nodiscard]] Result<void> arm_ingress_end(const Site& site);
[[nodiscard]] Result<std::uint64_t> ended_at_ingress(const Site& site);

struct DishwallSetup {
    std::string daemon, control;   // paths of dishwalld and dishctl
    std::string directory;         // of this instance: rule file, socket, state
    std::string pins;              // on a bpffs
    unsigned flow_table = 131072;  // flows
};
[[nodiscard]] std::unique_ptr<Subject> dishwall(DishwallSetup setup, std::vector<PublishedService> services);

}  // namespace dishwall::bench
