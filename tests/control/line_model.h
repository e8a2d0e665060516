// SPDX-License-Identifier: BSD-3-Clause
//
// The oracle of the random schedules: what is ours, told slowly and from history alone. Where the tracker
// keeps a state for each prefix and edits it, the model keeps no state: each second it writes down which
// prefixes the facts carried and whether the line was up, and a prefix is in grace if, walking back through
// that, the seconds with the line up since it was last carried are fewer than the grace period. Times are
// whole seconds of the schedule; kForever has no end.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "control/line/prefix_tracker.h"
#include "tests/control/line_facts.h"

namespace dishwall {

constexpr int kForever = 1 << 30;
constexpr int kModelGrace = 20;

// The kernel's side: what a dump would tell.
struct World {
    struct Address {
        unsigned line;  // 0 and 1: the uplinks; 2: the LAN
        Ipv6Address address;
        int valid_until, preferred_until;
    };
    struct Line {
        unsigned index = 0;
        bool present = true, carrier = true;
        std::set<std::uint32_t> ipv4;

        [[nodiscard]] bool up() const {
            return present && carrier && !(ipv4.contains(kRebooting) && !ipv4.contains(kCgnat));
        }
    };
    std::vector<RouteFact> routes;
    std::vector<Address> addresses;
    Line lines[3];
};

// Prefixes that can appear: at most DW_PREFIXES in all, so that room is not what decides. Those of source 0
// (`from dhcpv6-pd`) lie inside each other in all ways.
struct Watched {
    unsigned source;
    Ipv6Prefix prefix;
};
const std::vector<Watched>& watched();

class LineModel {
public:
    LineModel(unsigned line, std::uint32_t metric) : line_(line), metric_(metric) {}

    void see(const World& world);  // after each event that netlink told, and after a dump
    void route_told_again(const RouteFact& route);
    void tell(const Ipv6Prefix& prefix, int valid_until, int preferred_until);
    [[nodiscard]] bool withdraw(const std::optional<Ipv6Prefix>& prefix);  // false: nothing was told
    // The machine booted: `passed` seconds as the wall clock tells, empty if it went back; `real` in truth.
    void boot(int down_at, int real, std::optional<int> passed);
    // Writes down what is carried now, `since_last` seconds after the last time.
    void observe(int now, int since_last);

    [[nodiscard]] std::vector<LivePrefix> live() const;
    // What must be live, told by rules so plain that they need no history; the tracker may have more.
    [[nodiscard]] bool must_be_live(const Watched& p, int now) const;
    // What may be live at all: told, or any fact carries it.
    [[nodiscard]] bool may_be_live(const Watched& p, int now) const;

private:
    struct Route {
        RouteFact fact;
        int since;  // count of events
    };
    struct Told {
        int valid_until, preferred_until;
    };
    struct Observation {
        std::vector<dw_prefix_state> carried;       // by index into watched()
        std::vector<std::optional<int>> addressed;  // when the last of its addresses ends
        std::vector<bool> routed;
        bool up;
        int seconds_to_next = 0;
    };

    [[nodiscard]] bool is_mine(const RouteFact& route) const { return route.metric == metric_; }
    [[nodiscard]] bool routed(const Ipv6Prefix& prefix) const;
    [[nodiscard]] std::vector<World::Address> valid_in(const Watched& p, int now) const;
    [[nodiscard]] bool lease_is_over(std::size_t p, int now) const;
    [[nodiscard]] dw_prefix_state carried(std::size_t p, int now) const;
    [[nodiscard]] dw_prefix_state state(std::size_t p) const;
    void end(const Ipv6Prefix& prefix);

    unsigned line_;
    std::uint32_t metric_;
    World seen_;
    std::vector<Route> routes_;
    std::map<Ipv6Prefix, Told> told_;
    std::map<Ipv6Prefix, int> told_ended_;         // at which count of events
    std::map<Ipv6Prefix, std::size_t> new_lease_;  // at which count of observations
    int events_ = 0;
    std::vector<Observation> history_;
};

}  // namespace dishwall
