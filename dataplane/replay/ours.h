// SPDX-License-Identifier: BSD-3-Clause
//
// Which way a captured frame went. A capture file does not say it, so it is told from who is at the ends: by
// the uplink's MAC address where that is known, which no sender can lie about to us, else by what addresses
// are ours.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/replay/frame_parts.h"
#include "rules/ipv6.h"
#include "rules/policy.h"

namespace dishwall {

class Ours {
public:
    // The prefixes behind us, and this box's own addresses as /128s.
    void set_prefixes(std::vector<Ipv6Prefix> prefixes) { prefixes_ = std::move(prefixes); }
    void set_mac(const MacAddress& mac) { mac_ = mac; }

    // Without a MAC address: to us or to a group on the link is in, everything else out. IPv4 leaves from a
    // private address (RFC 1918, 6598).
    [[nodiscard]] Direction direction_of(std::span<const std::uint8_t> frame, const FrameParts& parts) const;
    [[nodiscard]] bool has(const Ipv6Address& address) const;

private:
    std::vector<Ipv6Prefix> prefixes_;
    std::optional<MacAddress> mac_;
};

// Of an Ethernet frame. Nothing: it has none (a capture without link headers), or is to a group.
[[nodiscard]] std::optional<MacAddress> source_mac(std::span<const std::uint8_t> frame);
[[nodiscard]] std::optional<MacAddress> destination_mac(std::span<const std::uint8_t> frame);

}  // namespace dishwall
