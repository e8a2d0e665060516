// SPDX-License-Identifier: BSD-3-Clause
//
// Which packets a foreign rule means, in a form that can be intersected exactly: jumps into chains are
// inlined by intersecting what jumps with what stands in the chain, and whether two rules can mean the same
// packet decides whether an accept is safe behind a drop that was lost.
//
// Only packets that would open a flow are meant: dishwall asks its rules about nothing else.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/ipv6.h"
#include "rules/policy.h"

namespace dishwall::import {

// Sorted, without overlaps or neighbours. Not always what an rule file may write: it may be empty.
class Ports {
public:
    Ports() : ranges_{{0, 65535}} {}  // all
    explicit Ports(std::vector<PortRange> ranges);

    [[nodiscard]] const std::vector<PortRange>& ranges() const { return ranges_; }
    [[nodiscard]] bool all() const;
    [[nodiscard]] bool none() const { return ranges_.empty(); }
    [[nodiscard]] Ports others() const;
    [[nodiscard]] Ports both(const Ports& other) const;

private:
    std::vector<PortRange> ranges_;
};

// One end of a packet.
struct End {
    std::optional<std::vector<Ipv6Prefix>> in;  // in one of these; empty: anywhere
    std::vector<Ipv6Prefix> out;                // and in none of those
    std::optional<std::uint64_t> suffix;        // and these are its last 64 bits
    // And behind one of these interfaces, and none of those: the end on our side, of what is forwarded.
    std::optional<std::vector<std::string>> behind;
    std::vector<std::string> not_behind;

    [[nodiscard]] bool anywhere() const {
        return !in && out.empty() && !suffix && !behind && not_behind.empty();
    }
    [[nodiscard]] bool by_address() const { return in || !out.empty() || suffix; }
    [[nodiscard]] bool nowhere() const;
    [[nodiscard]] bool is_link_local() const;  // all of them
};

struct Condition {
    std::bitset<256> protocols = std::bitset<256>().set();
    Ports source_ports, destination_ports;  // of tcp, udp and sctp
    std::bitset<256> icmp_types = std::bitset<256>().set();
    End from, to;
    std::optional<Rate> rate;  // and no more of them than this
    // Why these are more packets than the rule means: parts that were not understood, or have no exact form.
    std::vector<std::string> unclear;

    [[nodiscard]] bool exact() const { return unclear.empty(); }
    [[nodiscard]] bool everything() const;  // but for the rate
    [[nodiscard]] bool nothing() const;
};

[[nodiscard]] Condition both(const Condition& a, const Condition& b);
// May a packet be meant by both?
[[nodiscard]] bool overlap(const Condition& a, const Condition& b);

// first to last, as prefixes.
[[nodiscard]] std::vector<Ipv6Prefix> prefixes_of_range(Ipv6Address first, const Ipv6Address& last);
// Sorted, and none in another one.
[[nodiscard]] std::vector<Ipv6Prefix> without_repeats(std::vector<Ipv6Prefix> prefixes);

}  // namespace dishwall::import
