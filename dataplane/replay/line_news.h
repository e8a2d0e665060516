// SPDX-License-Identifier: BSD-3-Clause
//
// What a captured frame tells of the line itself: the delegation and addresses in a DHCPv6 reply (RFC 8415),
// the prefixes in a router advertisement (RFC 4861). What the kernel and the DHCPv6 client made of them then
// is not in the capture, so a replay has to read them itself. Bounded and without memory of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/replay/frame_parts.h"
#include "rules/ipv6.h"
#include "rules/policy.h"

namespace dishwall {

template <typename T, std::size_t Most>
class UpTo {
public:
    void add(const T& one) {
        if (count_ < Most) list_[count_++] = one;
    }
    [[nodiscard]] auto begin() const { return list_.begin(); }
    [[nodiscard]] auto end() const { return list_.begin() + static_cast<std::ptrdiff_t>(count_); }
    [[nodiscard]] bool empty() const { return count_ == 0; }

private:
    std::array<T, Most> list_{};
    std::size_t count_ = 0;
};

struct Lifetimes {
    static constexpr std::uint32_t kForever = 0xffffffff;
    std::uint32_t preferred_s = 0, valid_s = 0;
};

struct LineNews {
    struct Prefix {
        Ipv6Prefix prefix;
        Lifetimes lives;
    };
    struct Address {
        Ipv6Address address;
        Lifetimes lives;
    };
    UpTo<Prefix, 8> delegated;   // IA_PD of a reply; valid for 0 seconds: taken back
    UpTo<Address, 8> assigned;   // IA_NA of a reply
    UpTo<Prefix, 8> advertised;  // /64s that hosts on the link make addresses of

    [[nodiscard]] bool empty() const { return delegated.empty() && assigned.empty() && advertised.empty(); }
};

// Of a frame that came in.
[[nodiscard]] LineNews line_news(std::span<const std::uint8_t> frame, const FrameParts& parts);

// Who in a frame is this box, whatever else is known: it speaks or hears as a DHCPv6 client.
struct ClientSeen {
    Ipv6Address address;  // link-local
    std::optional<MacAddress> mac;
};
[[nodiscard]] std::optional<ClientSeen> dhcp_client(std::span<const std::uint8_t> frame,
                                                    const FrameParts& parts);

// The address that a neighbour solicitation asks for before its sender uses it (RFC 4862 5.4.2).
[[nodiscard]] std::optional<Ipv6Address> tried_address(std::span<const std::uint8_t> frame,
                                                       const FrameParts& parts);

}  // namespace dishwall
