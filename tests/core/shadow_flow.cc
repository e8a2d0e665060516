// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/shadow_flow.h"

#include <algorithm>

namespace dishwall::test {
namespace {

// Sequence numbers go round (RFC 1982). No window is larger than this (RFC 7323 2.2), so what lies further
// off than that in either direction is not called early or late.
constexpr std::uint32_t kFar = 1u << 30;

bool is_after(std::uint32_t a, std::uint32_t b) { return a - b > 0 && a - b < kFar; }

// How far behind an acknowledgement or a quoted segment may come, when windows are smaller.
constexpr std::uint32_t kBehind = 66000;

std::uint32_t later(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) < 0 ? b : a; }

}  // namespace

std::optional<ShadowKey> key_of(const SlowPacket& p, Direction direction) {
    const bool inbound = direction == Direction::inbound;
    ShadowKey key{.proto = p.proto, .inside = inbound ? p.dst : p.src, .outside = inbound ? p.src : p.dst};
    if (p.is_icmp()) {
        if (!p.asks_for_echo() && !p.answers_echo()) return std::nullopt;
        key.inside_port = p.icmp_id;
        key.asked_from_outside = inbound == p.asks_for_echo();
        return key;
    }
    key.inside_port = inbound ? p.destination_port : p.source_port;
    key.outside_port = inbound ? p.source_port : p.destination_port;
    return key;
}

ShadowFlow::ShadowFlow(const SlowPacket& first, Direction direction, std::uint64_t now)
    : opened_by(direction),
      proto_(first.proto),
      last_used_(now),
      answered_(direction == Direction::outbound) {
    if (proto_ == 6) follow(first.tcp, direction);
}

// The most that this side can have offered (RFC 7323 2.3). A scale rounds a window up by less than its own
// unit.
std::uint32_t ShadowFlow::Side::room() const {
    return scale ? std::max<std::uint32_t>(window << *scale, window + (1u << *scale)) : window;
}

std::string ShadowFlow::object_to(const SlowPacket& packet) const {
    return proto_ == 6 ? object_to_segment(packet.tcp) : "";
}

std::string ShadowFlow::object_to_segment(const SlowTcp& tcp) const {
    const bool syn = tcp.flags & kSyn, ack = tcp.flags & kAck;
    if (syn && !ack && established_) return "R24: a SYN inside an established flow";
    if (syn && !ack && peer_.syn && ours_.syn && tcp.seq + tcp.occupied != peer_.end)
        return "R24: another SYN than the one that our side answered";
    if (syn && !ack) return "";
    if (!peer_.syn) return object_to_answer(tcp);
    if (!ours_.syn) return object_before_our_answer(tcp);
    if (is_after(tcp.seq, limit_)) return "R24: behind the window that our side gave";
    if (tcp.flags & kRst) return is_after(acked_, tcp.seq) ? "R24: a RST before the window" : "";
    if (is_after(peer_.end - ours_.room() - 1, tcp.seq + tcp.occupied)) return "R24: older than any window";
    if (ack && is_after(tcp.ack, ours_.end)) return "R24: acknowledges more than our side sent";
    const std::uint32_t behind = std::max(kBehind, peer_.room());
    return ack && is_after(ours_.end - behind, tcp.ack) ? "R24: acknowledges what was long acknowledged" : "";
}

// Our SYN waits for one.
std::string ShadowFlow::object_to_answer(const SlowTcp& tcp) const {
    if (!(tcp.flags & kAck)) return "R24: it does not answer our SYN";
    if (!(tcp.flags & (kSyn | kRst))) return tcp.occupied != 0 ? "R24: data before the handshake" : "";
    const bool is_ours = tcp.ack - least_answer_ <= ours_.end - least_answer_;
    return is_ours ? "" : "R24: acknowledges another SYN than ours";
}

// The peer's SYN waits for one.
std::string ShadowFlow::object_before_our_answer(const SlowTcp& tcp) const {
    if (tcp.flags & kSyn) return "R24: who opened the flow answers itself";
    return tcp.flags & kRst && tcp.seq == peer_.end ? "" : "R24: nobody has answered the peer's SYN yet";
}

bool ShadowFlow::has_sent(Direction direction, std::uint32_t seq) const {
    const bool inbound = direction == Direction::inbound;
    const Side &sender = inbound ? peer_ : ours_, &receiver = inbound ? ours_ : peer_;
    return proto_ != 6 || (sender.syn && sender.end - seq <= std::max(kBehind, receiver.room()));
}

// A peer's RST that is not at the very number is only a question (RFC 5961 3.2).
bool ShadowFlow::is_believed(const SlowTcp& reset) const {
    if (!peer_.syn) return object_to_answer(reset).empty();
    return reset.seq == (ours_.syn ? acked_ : peer_.end);
}

bool ShadowFlow::would_change(const SlowPacket& packet, Direction direction) const {
    ShadowFlow after = *this;
    after.pass(packet, direction, last_used_);
    const auto said = [](const Side& side) { return side.syn * 2 + side.fin; };
    return after.established_ != established_ || after.reset_ != reset_ || said(after.ours_) != said(ours_) ||
           said(after.peer_) != said(peer_);
}

void ShadowFlow::pass(const SlowPacket& packet, Direction direction, std::uint64_t now) {
    const bool inbound = direction == Direction::inbound;
    last_used_ = now;
    bool confirms = opened_by == Direction::outbound || answered_;
    if (proto_ == 6) {
        if (packet.tcp.flags & kRst) reset_ = reset_ || (inbound ? is_believed(packet.tcp) : peer_.syn);
        follow(packet.tcp, direction);
        confirms = confirms && peer_.syn && ours_.syn && (packet.tcp.flags & (kAck | kRst)) == kAck;
    }
    established_ = established_ || (inbound && confirms);
    answered_ = answered_ || !inbound;
}

void ShadowFlow::follow(const SlowTcp& tcp, Direction direction) {
    Side& sender = side(direction);
    const std::uint32_t end = tcp.seq + tcp.occupied;
    sender.fin = sender.fin || (tcp.flags & kFin) != 0;
    if (tcp.flags & kRst) return;
    const bool again = (tcp.flags & kSyn) && sender.syn && end == sender.end;
    if (again) return;
    sender.window = std::max(sender.window, tcp.window);
    if (tcp.flags & kSyn)
        follow_syn(tcp, direction);
    else if (sender.syn)
        sender.end = later(sender.end, end);
    if (direction == Direction::outbound && (tcp.flags & kAck) && peer_.syn) follow_our_answer(tcp);
}

void ShadowFlow::follow_syn(const SlowTcp& tcp, Direction direction) {
    Side& sender = side(direction);
    sender.syn = true;
    sender.end = tcp.seq + tcp.occupied;
    sender.scale = tcp.scale;
    if (direction == Direction::outbound) {
        if (!peer_.syn) least_answer_ = tcp.seq + 1;
        return;
    }
    acked_ = tcp.seq + 1;
    limit_ = sender.end;
}

void ShadowFlow::follow_our_answer(const SlowTcp& tcp) {
    std::uint32_t room = tcp.window;
    if (!(tcp.flags & kSyn) && ours_.scale && peer_.scale) room <<= *ours_.scale;
    acked_ = later(acked_, tcp.ack);
    limit_ = later(limit_, tcp.ack + room);
}

dw_timeout ShadowFlow::timeout() const {
    if (proto_ == 6 || proto_ == 132) {
        if (reset_ || (ours_.fin && peer_.fin)) return DW_TIMEOUT_TCP_CLOSING;
        return established_ ? DW_TIMEOUT_TCP_ESTABLISHED : DW_TIMEOUT_TCP_OPENING;
    }
    if (proto_ == 17) return DW_TIMEOUT_UDP;
    return proto_ == 58 || proto_ == 1 ? DW_TIMEOUT_ICMP : DW_TIMEOUT_OTHER;
}

}  // namespace dishwall::test
