// SPDX-License-Identifier: BSD-3-Clause
//
// The shadow model: whatever the packet core accepts, a slow and obvious model, written from requirements.md
// and not from the core, must know a cause for. A rule that the evaluator (rules/evaluate.h) finds, a flow
// that an accepted packet opened, a first fragment that came before, or what the link needs. It takes from
// the core only the reason that it gave. What it forgets late costs nothing: it never says that a packet
// should have passed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "bpf/core/reason.h"
#include "rules/rate.h"
#include "tests/core/shadow_flow.h"

namespace dishwall::test {

class Shadow {
public:
    // The policy must outlive the model. Flows go on (R28).
    void load(const Policy& policy);
    void set_own(const Own& own);
    void wait(unsigned seconds) { now_ += seconds; }

    // Why the core should not have accepted this frame; empty: it did not, or there is a cause. To be told of
    // each frame in turn: the model learns from what passed.
    [[nodiscard]] std::string object_to(Direction direction, const Bytes& frame, const dw_outcome& outcome);
    // Did a first fragment ever pass? Then the core has something in its table of datagrams.
    [[nodiscard]] bool has_seen_fragments() const { return has_seen_fragments_; }

private:
    struct Datagram {
        std::uint64_t since = 0;
        std::set<unsigned> seen;        // units of 8 bytes
        std::optional<unsigned> total;  // units
        bool given_up = false;          // an overlap was seen (RFC 5722)
        [[nodiscard]] bool is_whole() const { return total && seen.size() == *total; }
    };
    using DatagramKey = std::tuple<Ipv6Address, Ipv6Address, std::uint64_t>;
    // The frame at hand.
    struct Case {
        Direction direction;
        SlowPacket packet;
        dw_reason reason;
        [[nodiscard]] bool inbound() const { return direction == Direction::inbound; }
    };

    // Each: an objection, or empty.
    [[nodiscard]] std::string to_accepted(const Case& c);
    [[nodiscard]] std::string to_frame(const Case& c) const;
    [[nodiscard]] std::string to_addresses(const Case& c) const;
    [[nodiscard]] std::string to_own_addresses(const Case& c) const;
    [[nodiscard]] std::string to_reason(const Case& c);
    [[nodiscard]] std::string to_inspected(const Case& c);
    [[nodiscard]] std::string to_fresh(const Case& c);
    [[nodiscard]] std::string to_policy(const Case& c);
    [[nodiscard]] std::string to_flow(const Case& c);
    [[nodiscard]] std::string to_old_judgement(const ShadowKey& key, const ShadowFlow& flow) const;
    [[nodiscard]] std::string to_independent(const Case& c) const;
    [[nodiscard]] std::string to_icmp_error(const Case& c) const;
    [[nodiscard]] std::string to_later_fragment(const Case& c);
    [[nodiscard]] std::string to_first_fragment(const Case& c);
    [[nodiscard]] std::string to_neighbour(const Case& c) const;
    [[nodiscard]] std::string to_router(const Case& c);
    [[nodiscard]] std::string to_mld(const Case& c) const;
    [[nodiscard]] std::string to_dhcp(const Case& c) const;

    [[nodiscard]] bool is_for_this_box(const Case& c) const;
    [[nodiscard]] bool is_behind(const Ipv6Address& address) const;
    [[nodiscard]] bool is_withdrawn(const Ipv6Address& address) const;
    [[nodiscard]] bool is_assigned(const Ipv6Address& address) const;
    [[nodiscard]] const ShadowFlow* live_flow(const ShadowKey& key) const;
    [[nodiscard]] bool has_open_port(ShadowKey key) const;
    [[nodiscard]] bool is_over(std::uint64_t since, dw_timeout timeout) const;

    const Policy* policy_ = nullptr;
    Own own_;
    std::vector<Own> owns_since_load_;
    std::uint64_t loads_ = 0;
    std::uint64_t now_ = 0;  // seconds
    RateModel rates_;
    std::map<ShadowKey, ShadowFlow> flows_;
    std::map<ShadowKey, std::uint64_t>
        open_ports_;  // endpoint-independent: when last used; outside is all zero
    std::map<DatagramKey, Datagram> datagrams_;
    bool has_seen_fragments_ = false;
    struct Router {
        std::uint64_t id;  // interface id
        std::uint64_t until = 0;
        int rank = 0;
    };
    std::vector<Router> routers_;  // in the order in which they were heard first
};

}  // namespace dishwall::test
