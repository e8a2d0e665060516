// SPDX-License-Identifier: BSD-3-Clause
//
// The oracle: a policy judged rule by rule, in the most obvious way there is. It shares nothing with the
// image or the packet core, so that a disagreement means a bug in one of them. `explain`, `test` blocks
// and the differential tests use it.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "rules/own.h"
#include "rules/policy.h"

namespace dishwall {

// A packet that would open a flow, seen from the gateway: `peer` is on the Internet, `ours` behind it.
struct Query {
    Direction direction = Direction::inbound;
    Ipv6Address peer;
    Ipv6Address ours;
    std::uint8_t proto = 0;
    std::uint16_t source_port = 0;       // of the packet's sender; 0 without ports
    std::uint16_t destination_port = 0;  // of the packet's receiver
    std::uint8_t icmp_type = 0;          // when proto is ICMPv6
};

struct Judgement {
    dw_verdict verdict = DW_DROP;        // never DW_AUDIT; DW_REJECT_LATE: see comes_to()
    const Rule* rule = nullptr;          // null: the chain's default decided
    std::vector<const Rule*> audited;    // audit rules that matched on the way
    std::vector<const Rule*> over_rate;  // rules that matched but for their rate
};

// Is a packet of this sender over the rule's rate? Asked only of rules that match otherwise, in order, and
// the answer spends a token (or does not: that is the asker's business). Absent: nothing ever is.
using OverRate = std::function<bool(const Rule& rule, const Ipv6Address& sender)>;

// Is `outcome` what a packet may come to under this judgement? For DW_REJECT_LATE only time tells which.
[[nodiscard]] bool comes_to(dw_verdict judged, dw_verdict outcome);

[[nodiscard]] Judgement evaluate(const Policy& policy, const Own& own, const Query& query,
                                 const OverRate& over_rate = {});

// Does a rule mean this packet, whatever its rate?
[[nodiscard]] bool matches(const Traffic& traffic, const Own& own, const Query& query);
// What keeps it from that, first of all: "protocol", "port", "type", "sender's port", "from", "to"; empty:
// nothing.
[[nodiscard]] std::string_view mismatch(const Traffic& traffic, const Own& own, const Query& query);
[[nodiscard]] bool contains(const AddressSet& set, const Own& own, const Ipv6Address& address);

}  // namespace dishwall
