// SPDX-License-Identifier: BSD-3-Clause
//
// Traffic as a line carries it: many conversations at once, with handshakes, data both ways, closes, resets,
// retransmissions, segments out of order, losses, pings, fragments, errors that quote what passed, discovery
// on the link, and now and then a frame that somebody tampered with. All from small pools, so that they meet
// each other's flows. The same seed gives the same traffic.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "rules/evaluate.h"
#include "tests/core/packet.h"

namespace dishwall::test {

struct Sent {
    Direction direction = Direction::inbound;
    Bytes frame;
};

class Traffic {
public:
    explicit Traffic(std::uint64_t seed);

    [[nodiscard]] Sent next();

private:
    struct End {
        std::uint32_t isn = 0, sent = 0;  // sent: counted from isn
        std::optional<std::uint8_t> scale;
    };
    struct Talk {
        const char* inside = nullptr;
        const char* outside = nullptr;
        std::uint16_t inside_port = 0, outside_port = 0;
        unsigned phase = 0;  // TCP: 0 before the SYN, 1 before the answer, 2 before its ACK, 3 up, 4 over
        bool from_outside = false;  // who began
        std::array<End, 2> end;     // [0] inside, [1] outside
        std::uint32_t fragment_id = 0;
    };
    enum class Kind { tcp, udp, echo, esp, sctp, fragments, error, link, count };

    [[nodiscard]] unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    [[nodiscard]] bool chance(unsigned percent) { return below(100) < percent; }

    void renew(Talk& talk);
    void push(Direction direction, const Packet& packet);
    [[nodiscard]] static Packet ip(const Talk& talk, bool from_outside);
    void speak_tcp(Talk& talk);
    void send_segment(Talk& talk, bool from_outside, std::uint8_t flags, std::size_t length);
    void misbehave(Talk& talk);
    void speak_datagram(Talk& talk, Kind kind);
    void speak_fragments(Talk& talk);
    void report_error(const Talk& talk);
    void speak_on_link();
    [[nodiscard]] Bytes tampered(Bytes frame);

    std::mt19937_64 random_;
    std::vector<Talk> talks_;
    std::deque<Sent> waiting_;   // sent, not delivered yet
    std::deque<Packet> passed_;  // lately, either way: what errors quote
};

}  // namespace dishwall::test
