// SPDX-License-Identifier: BSD-3-Clause
//
// Packets as the policy in force judged them, beside what a candidate would say: the differences, collected
// by who decides now and who would then. Pure: events come in, a report comes out.
//
// What is compared is what a chain judges. Built-in checks are the same under every policy but for the
// networks that a file names, and packets of known flows are not judged at all.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "control/counter_registry.h"
#include "rules/evaluate.h"
#include "rules/rate.h"

namespace dishwall {

class Comparison {
public:
    explicit Comparison(Policy candidate) : candidate_(std::move(candidate)) {}

    [[nodiscard]] const Policy& candidate() const { return candidate_; }
    // What is ours from now on, as the candidate numbers it. Needed before the first packet.
    void set_own(Own own) { own_ = std::move(own); }
    [[nodiscard]] const Own& own() const { return own_; }

    // A packet that a chain judged (DW_EVENT_JUDGED). `names` are those of the policy in force.
    void add(const dw_event& event, const CounterRegistry& names);

    // "judged", "missed", "differences", "unlisted": packets with pairs of rules for which there was no room.
    [[nodiscard]] nlohmann::json report() const;

private:
    using Key = std::array<std::string, 4>;  // rule and verdict, now and then
    struct Difference {
        std::uint64_t packets = 0;
        std::string example;
    };
    [[nodiscard]] bool is_over(const Rule& rule, const Ipv6Address& sender, std::uint64_t time_ns);

    Policy candidate_;
    Own own_;
    RateModel rates_;  // full at first, as after a load of rules with new names
    std::uint64_t latest_ns_ = 0;
    std::map<Key, Difference> differences_;
    std::uint64_t judged_ = 0, missed_ = 0, unlisted_ = 0;
};

}  // namespace dishwall
