// SPDX-License-Identifier: BSD-3-Clause
//
// A gateway with dishwalld on it, whose line is renumbered: the time from the request to the kernel to the
// moment that the programs see the new prefix. Programs read control.own_index with every packet, so the
// store there is the moment; it is watched through the pinned map, in memory, without asking the daemon.
#pragma once

#include <memory>
#include <string>

#include "bench/live/dishwall_process.h"
#include "bench/renumber/prefix_route.h"
#include "bpf/core/layout.h"
#include "control/ipc/client.h"
#include "control/mapping.h"

namespace dishwall::bench {

struct Opening {
    double total_us = 0;   // from just before the netlink request to the store
    double daemon_us = 0;  // the daemon's own number: netlink message read, to the store
};

class Gateway {
public:
    // Starts dishwalld with that many rules, and checks verdicts before and behind a renumbering.
    [[nodiscard]] static Result<Gateway> create(const DishwallPlace& place, unsigned rules);

    // A new /56 appears and, once it is in force, goes again. `number` names it: 0..4095.
    [[nodiscard]] Result<Opening> renumber(unsigned number);

    [[nodiscard]] std::uint64_t image_bytes() const { return image_bytes_; }

private:
    Gateway() = default;
    [[nodiscard]] Result<void> plug();
    [[nodiscard]] Result<void> watch(const DishwallPlace& place);
    [[nodiscard]] Result<void> check_verdicts(unsigned rules);
    [[nodiscard]] Result<void> expect(const std::string& packet, const std::string& verdict);
    [[nodiscard]] Result<Instant> wait_for_store(std::uint32_t before) const;
    [[nodiscard]] std::uint32_t own_index() const;
    [[nodiscard]] bool is_in_force(const Ipv6Prefix& prefix) const;
    [[nodiscard]] Result<void> close_now(const Ipv6Prefix& prefix);
    [[nodiscard]] Result<nlohmann::json> ask(const std::string& verb, const nlohmann::json& parameters);

    NetworkNamespace where_;
    std::unique_ptr<PrefixRoutes> routes_;
    DishwallProcess daemon_;
    std::unique_ptr<IpcClient> client_;
    Mapping control_, own_;
    std::uint64_t image_bytes_ = 0;
};

}  // namespace dishwall::bench
