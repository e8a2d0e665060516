// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/story.h"

namespace dishwall::test {
namespace {

Tcp tcp(const Talk::Segment& s, std::uint16_t sport, std::uint16_t dport, std::uint32_t isn,
        std::uint32_t other) {
    return {.sport = sport,
            .dport = dport,
            .flags = s.flags,
            .seq = isn + s.seq,
            .ack = s.flags & kAck ? other + s.ack : 0,
            .window = s.window,
            .scale = s.scale,
            .checksum = s.checksum};
}

}  // namespace

Packet from_to(const char* src, const char* dst, std::uint8_t hop_limit) {
    return Ethernet{} / Ipv6{.src = src, .dst = dst, .hop_limit = hop_limit};
}

Step in(const Bytes& frame, dw_reason reason, dw_verdict verdict) {
    return Judged{Direction::inbound, frame, verdict, reason};
}
Step in_drop(const Packet& packet, dw_reason reason) { return in(packet.bytes(), reason, DW_DROP); }
Step in_accept(const Packet& packet, dw_reason reason) { return in(packet.bytes(), reason, DW_ACCEPT); }
Step in_reject(const Packet& packet, dw_reason reason) { return in(packet.bytes(), reason, DW_REJECT); }
Step out_drop(const Packet& packet, dw_reason reason) {
    return Judged{Direction::outbound, packet.bytes(), DW_DROP, reason};
}
Step out_accept(const Packet& packet, dw_reason reason) {
    return Judged{Direction::outbound, packet.bytes(), DW_ACCEPT, reason};
}

Packet error(std::uint8_t type, std::uint8_t code, const char* src, const char* dst, const Packet& quoted) {
    return from_to(src, dst) / Icmp{.type = type, .code = code, .id = 0, .seq = 1280} /
           Payload{quoted.quoted()};
}

Packet Talk::in(const Segment& s) const {
    return from_to(outside, inside) / tcp(s, outside_port, inside_port, outside_isn, inside_isn) /
           Payload{Bytes(s.length)};
}
Packet Talk::out(const Segment& s) const {
    return from_to(inside, outside) / tcp(s, inside_port, outside_port, inside_isn, outside_isn) /
           Payload{Bytes(s.length)};
}

std::vector<Step> Talk::opened_from_outside() const {
    return {in_accept(in({.flags = kSyn}), DW_REASON_RULE_ACCEPT),
            out_accept(out({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
            in_accept(in({.seq = 1, .ack = 1}), DW_REASON_FLOW)};
}
std::vector<Step> Talk::opened_from_inside() const {
    return {out_accept(out({.flags = kSyn}), DW_REASON_DEFAULT_ACCEPT),
            in_accept(in({.flags = kSyn | kAck, .ack = 1}), DW_REASON_FLOW),
            out_accept(out({.seq = 1, .ack = 1}), DW_REASON_FLOW)};
}

std::vector<Step> operator+(std::vector<Step> a, const std::vector<Step>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

std::vector<Step> times(unsigned count, const Step& step) { return std::vector<Step>(count, step); }

}  // namespace dishwall::test
