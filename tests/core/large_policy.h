// SPDX-License-Identifier: BSD-3-Clause
//
// Policies of the sizes that the README speaks of, packets for them, and an oracle that is quick enough for
// millions of pairs: of all rules it asks only those that the packet's interface id or its protocol and port
// could fit, one by one and in order, by `matches` of rules/evaluate.h.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/evaluate.h"
#include "rules/own.h"
#include "rules/policy.h"
#include "tests/core/packet.h"

namespace dishwall::test {

enum class Shape {
    services,  // many ports on few hosts
    hosts,     // one port on many hosts
    ranges,    // port ranges on many hosts, some within others
    sources,   // one service, many networks that may or may not use it
    mixed,     // everything at once: nested sources, ranges, networks, any, audit
    feed,      // few services behind a feed of that many prefixes
};
inline constexpr std::array kShapes = {Shape::services, Shape::hosts, Shape::ranges,
                                       Shape::sources,  Shape::mixed, Shape::feed};
[[nodiscard]] std::string_view name_of(Shape shape);

class LargePolicy {
public:
    // `size`: rules, or prefixes of the feed. The same seed gives the same policy and packets.
    LargePolicy(Shape shape, unsigned size, std::uint64_t seed);

    [[nodiscard]] const Policy& policy() const { return policy_; }
    [[nodiscard]] const Own& own() const { return own_; }
    // A packet from outside; most are drawn so that some rule is near.
    [[nodiscard]] Query query();
    // The rule that decides; null: the default.
    [[nodiscard]] const Rule* decide(const Query& query) const;

private:
    void add(Rule rule);
    [[nodiscard]] Rule mixed_rule();
    void make_feed(unsigned prefixes);
    [[nodiscard]] Ipv6Prefix source_network();
    [[nodiscard]] unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }

    Shape shape_;
    std::mt19937_64 random_;
    Policy policy_;
    Own own_;
    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_interface_id_, by_service_;
    std::vector<std::uint32_t> others_;
    std::vector<Ipv6Prefix> networks_;  // that packets come from
};

[[nodiscard]] Bytes frame_of(const Query& query);

}  // namespace dishwall::test
