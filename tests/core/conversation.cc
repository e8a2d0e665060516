// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/conversation.h"

#include <algorithm>

#include "tests/core/story.h"

namespace dishwall::test {
namespace {

constexpr const char* kInside[] = {
    kNas, kLaptop, kOldNas, kGoneNas, kBox, "2001:db8:aa00:10::5", "2001:db8:aa00:2::1"};
constexpr const char* kOutside[] = {kPeer, "2001:db8:7::9", "2001:db8:66::1", "2001:db8:3::3",
                                    "2001:db8:0:1::99"};
constexpr std::uint16_t kServices[] = {443, 80, 8001, 79, 113, 22, 23, 6000, 53, 5000};
constexpr std::size_t kTalks = 40;

}  // namespace

Traffic::Traffic(std::uint64_t seed) : random_(seed), talks_(kTalks) {
    for (Talk& talk : talks_) renew(talk);
}

void Traffic::renew(Talk& talk) {
    talk = {};
    talk.inside = kInside[below(std::size(kInside))];
    talk.outside = kOutside[below(std::size(kOutside))];
    talk.from_outside = chance(50);
    const std::uint16_t service = kServices[below(std::size(kServices))];
    const auto client = static_cast<std::uint16_t>(40000 + below(6));
    talk.inside_port = talk.from_outside ? service : client;
    talk.outside_port = talk.from_outside ? client : service;
    for (End& end : talk.end) {
        end.isn = static_cast<std::uint32_t>(random_());
        if (chance(60)) end.scale = static_cast<std::uint8_t>(below(16));
    }
}

Sent Traffic::next() {
    while (waiting_.empty() || (waiting_.size() < 6 && chance(40))) {
        Talk& talk = talks_[below(kTalks)];
        switch (static_cast<Kind>(below(20) < 12 ? 0 : below(static_cast<unsigned>(Kind::count)))) {
            case Kind::tcp:
                speak_tcp(talk);
                break;
            case Kind::fragments:
                speak_fragments(talk);
                break;
            case Kind::error:
                report_error(talk);
                break;
            case Kind::link:
                speak_on_link();
                break;
            case Kind::udp:
                speak_datagram(talk, Kind::udp);
                break;
            case Kind::echo:
                speak_datagram(talk, Kind::echo);
                break;
            case Kind::esp:
                speak_datagram(talk, Kind::esp);
                break;
            case Kind::sctp:
            case Kind::count:
                speak_datagram(talk, Kind::sctp);
                break;
        }
    }
    // Mostly in order; sometimes the second overtakes the first, or the first is delivered twice.
    const std::size_t which = waiting_.size() > 1 && chance(10) ? 1 : 0;
    Sent sent = waiting_[which];
    if (!chance(4)) waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(which));
    if (chance(4)) sent.frame = tampered(std::move(sent.frame));
    return sent;
}

void Traffic::push(Direction direction, const Packet& packet) {
    passed_.push_back(packet);
    if (passed_.size() > 32) passed_.pop_front();
    if (!chance(5)) waiting_.push_back({direction, packet.bytes()});  // the rest is lost
}

Packet Traffic::ip(const Talk& talk, bool from_outside) {
    return from_to(from_outside ? talk.outside : talk.inside, from_outside ? talk.inside : talk.outside);
}

void Traffic::send_segment(Talk& talk, bool from_outside, std::uint8_t flags, std::size_t length) {
    End& self = talk.end[from_outside ? 1 : 0];
    const End& other = talk.end[from_outside ? 0 : 1];
    const bool again = chance(5) && self.sent > 0;  // a retransmission of what was sent last
    const std::uint32_t seq = self.isn + self.sent - (again ? std::min<std::uint32_t>(self.sent, 500) : 0);
    Tcp tcp{.sport = from_outside ? talk.outside_port : talk.inside_port,
            .dport = from_outside ? talk.inside_port : talk.outside_port,
            .flags = flags,
            .seq = seq,
            .ack = flags & kAck ? other.isn + other.sent : 0,
            .window = static_cast<std::uint16_t>(chance(10) ? below(1000) : 65535)};
    if (flags & kSyn) tcp.scale = self.scale;
    if (!again)
        self.sent += static_cast<std::uint32_t>(length) + ((flags & kSyn) ? 1 : 0) + ((flags & kFin) ? 1 : 0);
    push(from_outside ? Direction::inbound : Direction::outbound,
         ip(talk, from_outside) / tcp / Payload{Bytes(length)});
}

void Traffic::speak_tcp(Talk& talk) {
    if (chance(6)) return misbehave(talk);
    const bool opener = talk.from_outside;
    switch (talk.phase) {
        case 0:
            send_segment(talk, opener, kSyn, chance(3) ? 10 : 0);
            talk.phase = 1;
            break;
        case 1:
            if (chance(6)) {
                send_segment(talk, !opener, kRst | kAck, 0);
                talk.phase = 4;
            } else if (chance(6)) {
                send_segment(talk, !opener, kSyn, 0);  // a simultaneous open
            } else {
                send_segment(talk, !opener, kSyn | kAck, 0);
                talk.phase = 2;
            }
            break;
        case 2:
            send_segment(talk, opener, kAck, 0);
            talk.phase = 3;
            break;
        case 3:
            if (chance(4)) {
                send_segment(talk, chance(50), kRst, 0);
                talk.phase = 4;
            } else {
                send_segment(talk, chance(50), chance(10) ? kFin | kAck : kAck, chance(60) ? below(1200) : 0);
                if (chance(8)) talk.phase = 4;
            }
            break;
        default:
            if (chance(50)) return renew(talk);
            for (End& end : talk.end) end = {static_cast<std::uint32_t>(random_()), 0, end.scale};
            talk.phase = 0;  // the same ports again
    }
}

// A segment that fits nothing, or nearly fits.
void Traffic::misbehave(Talk& talk) {
    constexpr std::uint8_t kFlags[] = {kSyn, kAck, kRst, kRst | kAck, kFin | kAck, kSyn | kAck};
    constexpr std::uint32_t kOff[] = {0, 1, 65535, 65536, 70000, 0x40000000, 0x80000000, 0xffffffff};
    const bool from_outside = chance(70);
    const End& self = talk.end[from_outside ? 1 : 0];
    const End& other = talk.end[from_outside ? 0 : 1];
    Tcp tcp{.sport = from_outside ? talk.outside_port : talk.inside_port,
            .dport = from_outside ? talk.inside_port : talk.outside_port,
            .flags = kFlags[below(std::size(kFlags))],
            .seq = self.isn + self.sent + kOff[below(std::size(kOff))],
            .ack = other.isn + other.sent + (chance(50) ? 0 : kOff[below(std::size(kOff))])};
    if (chance(10)) tcp.checksum = static_cast<std::uint16_t>(random_());
    push(from_outside ? Direction::inbound : Direction::outbound, ip(talk, from_outside) / tcp);
}

void Traffic::speak_datagram(Talk& talk, Kind kind) {
    const bool from_outside = chance(50);
    const std::uint16_t sport = from_outside ? talk.outside_port : talk.inside_port;
    const std::uint16_t dport = from_outside ? talk.inside_port : talk.outside_port;
    Packet packet = ip(talk, from_outside);
    if (chance(10)) packet = packet / Extension{.kind = 60, .units = static_cast<std::uint8_t>(below(3))};
    if (kind == Kind::udp)
        packet = packet / Udp{.sport = sport, .dport = dport} / Payload{Bytes(below(200))};
    else if (kind == Kind::sctp)
        packet = packet / Sctp{.sport = sport, .dport = dport};
    else if (kind == Kind::esp)
        packet = packet / Payload{Bytes(32), 50};
    else
        packet = packet / Icmp{.type = static_cast<std::uint8_t>(128 + below(2)), .id = talk.inside_port};
    push(from_outside ? Direction::inbound : Direction::outbound, packet);
}

// A datagram in three parts, mostly in order, sometimes with one that overlaps, leaves a hole or comes alone.
void Traffic::speak_fragments(Talk& talk) {
    const bool from_outside = chance(60);
    const Direction direction = from_outside ? Direction::inbound : Direction::outbound;
    if (chance(80)) talk.fragment_id = below(200);
    const Udp udp{.sport = from_outside ? talk.outside_port : talk.inside_port,
                  .dport = from_outside ? talk.inside_port : talk.outside_port,
                  .length = 136};
    if (!chance(10))
        push(direction, ip(talk, from_outside) / Fragment{.more = true, .id = talk.fragment_id} / udp /
                            Payload{Bytes(40)});
    for (const std::uint16_t place : {6, 11}) {
        const auto offset =
            static_cast<std::uint16_t>(place + (chance(8) ? below(9) : 0) - (chance(8) ? below(6) : 0));
        const bool last = place == 11 ? !chance(20) : chance(5);
        push(direction, ip(talk, from_outside) /
                            Fragment{.offset = offset, .more = !last, .id = talk.fragment_id, .next = 17} /
                            Payload{Bytes(last ? 1 + below(60) : 40)});
    }
}

void Traffic::report_error(const Talk& talk) {
    if (passed_.empty()) return;
    const Packet& quoted = passed_[below(static_cast<unsigned>(passed_.size()))];
    const bool inbound = chance(70);
    const auto type = static_cast<std::uint8_t>(1 + below(5));
    // To whoever sent the quoted packet, as a router would; or to the wrong host.
    const Bytes inner = quoted.quoted(chance(80) ? 1232 : 40 + below(60));
    std::string to = inbound ? talk.inside : talk.outside;
    if (chance(90) && inner.size() >= 24) {
        Ipv6Address source;
        for (unsigned i = 0; i < 8; ++i) source.hi = source.hi << 8 | inner[8 + i];
        for (unsigned i = 0; i < 8; ++i) source.lo = source.lo << 8 | inner[16 + i];
        to = to_string(source);
    }
    const Packet packet =
        from_to(inbound ? kHop : kBox, to.c_str()) /
        Icmp{.type = type, .code = static_cast<std::uint8_t>(below(2)), .id = 0, .seq = 1280} /
        Payload{inner};
    waiting_.push_back({inbound ? Direction::inbound : Direction::outbound, packet.bytes()});
}

void Traffic::speak_on_link() {
    constexpr const char* kNeighbours[] = {kRouter, "fe80::2", "fe80::3", "fe80::9"};
    constexpr std::uint8_t kTypes[] = {133, 134, 135, 136, 137, 141, 130, 143, 148};
    const std::uint8_t type = kTypes[below(std::size(kTypes))];
    const bool membership = type == 130 || type == 143;
    const Packet packet =
        Ethernet{} /
        Ipv6{.src = kNeighbours[below(std::size(kNeighbours))],
             .dst = chance(50) ? "ff02::1" : kBoxLinkLocal,
             .hop_limit = static_cast<std::uint8_t>(chance(5)    ? 64
                                                    : membership ? 1
                                                                 : 255)} /
        Icmp{.type = type, .id = 0x4000, .seq = static_cast<std::uint16_t>(below(3) * 900)} /
        Payload{Bytes(below(3) * 8)};
    waiting_.push_back({Direction::inbound, packet.bytes()});
}

Bytes Traffic::tampered(Bytes frame) {
    for (unsigned n = 1 + below(3); n > 0; --n)
        frame[chance(70) ? std::min<std::size_t>(12 + below(70), frame.size() - 1)
                         : below(static_cast<unsigned>(frame.size()))] = static_cast<std::uint8_t>(random_());
    constexpr unsigned kLeast =
        14 + 40;  // BPF_PROG_TEST_RUN refuses an outgoing packet without its IP header
    if (chance(20) && frame.size() > kLeast)
        frame.resize(kLeast + below(static_cast<unsigned>(frame.size()) - kLeast));
    return frame;
}

}  // namespace dishwall::test
