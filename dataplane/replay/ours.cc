// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/ours.h"

#include <algorithm>

namespace dishwall {
namespace {

using Frame = std::span<const std::uint8_t>;

bool is_private_ipv4(const Ipv6Address& mapped) {
    const auto address = static_cast<std::uint32_t>(mapped.lo);
    return address >> 24 == 10 || address >> 20 == 0xac1 || address >> 16 == 0xc0a8 ||
           address >> 22 == (100u << 24 | 64u << 16) >> 22;
}

std::optional<MacAddress> mac_at(Frame frame, std::size_t at) {
    MacAddress mac{};
    if (frame.size() < at + mac.size() || (frame[at] & 1) != 0) return std::nullopt;
    std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at), mac.size(), mac.begin());
    return mac == MacAddress{} ? std::nullopt : std::optional(mac);
}

}  // namespace

std::optional<MacAddress> destination_mac(Frame frame) { return mac_at(frame, 0); }
std::optional<MacAddress> source_mac(Frame frame) { return mac_at(frame, 6); }

bool Ours::has(const Ipv6Address& address) const {
    return std::ranges::any_of(prefixes_, [&](const Ipv6Prefix& prefix) { return prefix.contains(address); });
}

Direction Ours::direction_of(Frame frame, const FrameParts& parts) const {
    if (mac_) {
        if (source_mac(frame) == mac_) return Direction::outbound;
        if (destination_mac(frame) == mac_) return Direction::inbound;
    }
    if (parts.family == 4) return is_private_ipv4(parts.source) ? Direction::outbound : Direction::inbound;
    if (has(parts.destination)) return Direction::inbound;
    const bool to_a_group = parts.destination.hi >> 56 == 0xff;
    return to_a_group && !has(parts.source) ? Direction::inbound : Direction::outbound;
}

}  // namespace dishwall
