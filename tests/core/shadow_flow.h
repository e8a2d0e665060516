// SPDX-License-Identifier: BSD-3-Clause
//
// What the shadow model remembers of one flow: who opened it, when it was last used, and for TCP what each
// side has said (RFC 9293 3.4, RFC 7323 2.3, RFC 5961 3).
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "tests/core/shadow_packet.h"

namespace dishwall::test {

// Named by who is inside. ICMP echo: inside_port is the identifier.
struct ShadowKey {
    std::uint8_t proto = 0;
    Ipv6Address inside, outside;
    std::uint16_t inside_port = 0, outside_port = 0;
    bool asked_from_outside = false;  // ICMP echo: whose request it is

    auto operator<=>(const ShadowKey&) const = default;
};

// Of the flow that a packet in this direction is part of, or would open; empty: it can be part of none.
[[nodiscard]] std::optional<ShadowKey> key_of(const SlowPacket& packet, Direction direction);

class ShadowFlow {
public:
    ShadowFlow(const SlowPacket& first, Direction direction, std::uint64_t now);

    // Why a packet from the line may not go on in this flow; empty: it may. Our own side is believed.
    [[nodiscard]] std::string object_to(const SlowPacket& packet) const;
    // Has this side sent something with this sequence number lately?
    [[nodiscard]] bool has_sent(Direction side, std::uint32_t seq) const;
    // Would this packet end it, establish it, or move it towards either?
    [[nodiscard]] bool would_change(const SlowPacket& packet, Direction direction) const;
    // A packet of this flow passed.
    void pass(const SlowPacket& packet, Direction direction, std::uint64_t now);
    [[nodiscard]] dw_timeout timeout() const;
    [[nodiscard]] std::uint64_t last_used() const { return last_used_; }

    Direction opened_by = Direction::outbound;  // the first packet's way
    std::uint64_t load = 0;                     // the policy load that it was last judged under
    bool independent = false;                   // it keeps its inside port open for everybody
    bool by_open_port = false;                  // and was itself let in by such a port

private:
    struct Side {
        bool syn = false, fin = false;
        std::uint32_t end = 0;     // behind what it sent
        std::uint16_t window = 0;  // the largest, as in the header
        std::optional<std::uint8_t> scale;
        [[nodiscard]] std::uint32_t room() const;
    };
    [[nodiscard]] std::string object_to_segment(const SlowTcp& tcp) const;
    [[nodiscard]] std::string object_to_answer(const SlowTcp& tcp) const;
    [[nodiscard]] std::string object_before_our_answer(const SlowTcp& tcp) const;
    [[nodiscard]] bool is_believed(const SlowTcp& reset) const;
    void follow(const SlowTcp& tcp, Direction direction);
    void follow_syn(const SlowTcp& tcp, Direction direction);
    void follow_our_answer(const SlowTcp& tcp);
    [[nodiscard]] Side& side(Direction direction) { return direction == Direction::inbound ? peer_ : ours_; }

    std::uint8_t proto_;
    std::uint64_t last_used_;
    bool answered_ = false;  // our side has sent something
    bool established_ = false, reset_ = false;
    Side ours_, peer_;
    std::uint32_t acked_ = 0,
                  limit_ = 0;  // by our side: the peer's last byte that it acknowledged, and has room for
    std::uint32_t least_answer_ = 0;  // what the answer to our SYN acknowledges at least
};

}  // namespace dishwall::test
