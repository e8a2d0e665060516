// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/packet_script.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "tests/core/shadow_packet.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

enum Kind : std::uint8_t {
    kRaw = 0,   // length (2, little end first), the frame
    kIpv6 = 1,  // addresses (source, destination: 4 bits each), next header, hop limit, length, what follows
    kAnswer = 2,  // TCP flags (0: the usual ones), a length: the frame before, turned round
    kError = 3,   // ICMP type, code: an error about the frame before
    kAgain = 4,   // offset behind the Ethernet header, bits to flip: the frame before
    kPause = 5,   // which of kPauses
    kReload = 6,  // which policy
    kOwn = 7,     // two bits of state for each delegated prefix
};
constexpr std::uint8_t kKindBits = 7, kOutbound = 8, kRepair = 16;  // repair: write the right checksum

constexpr unsigned kPauses[] = {1, 2, 5, 7, 59, 61, 119, 121, 239, 241, 299, 301, 1800, 7439, 7441, 90000};

constexpr const char* kPlaces[16] = {"2001:db8:1::1",
                                     "2001:db8:aa00:1::10",
                                     "2001:db8:aa00:1::77",
                                     "2001:db8:0:1::2",
                                     "fe80::1",
                                     "fe80::face",
                                     "fe80::beef",
                                     "2001:db8:7::5",
                                     "2001:db8:66::1",
                                     "2001:db8:bb00:1::10",
                                     "2001:db8:cc00:1::10",
                                     "ff02::1",
                                     "::",
                                     "2001:db8:99::1",
                                     "2001:db8:aa00:10::1",
                                     "2001:db8:0:1::9"};

constexpr std::size_t kEthernet = 14, kIpv6Header = 40, kAddresses = 8;

void overwrite(Bytes& bytes, std::size_t at, std::uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
        bytes.at(at + i) = static_cast<std::uint8_t>(value >> 8 * (size - 1 - i));
}

void repair_checksum(Bytes& frame) {
    static const Uplink any;
    const SlowPacket packet = read_slowly(frame, Direction::inbound, any).packet;
    if (const std::optional<Checksum> right = checksum_of(packet))
        overwrite(frame, packet.body_at + right->at, right->value, 2);
}

Bytes ipv6_frame(const char* src, const char* dst, std::uint8_t next, std::uint8_t hop_limit,
                 const Bytes& rest) {
    return (Ethernet{} / Ipv6{.src = src, .dst = dst, .hop_limit = hop_limit, .next = next} / Payload{rest})
        .bytes();
}

Own own_with(std::uint8_t states) {
    Own own = world_own();
    for (unsigned i = 0; i < 3; ++i)
        own.prefixes[i].state = static_cast<dw_prefix_state>(states >> 2 * i & 3);
    std::erase_if(own.prefixes, [](const LivePrefix& prefix) { return prefix.state == DW_PREFIX_NONE; });
    return own;
}

std::uint8_t states_of(const Own& own) {
    std::uint8_t states = 0;
    const Own world = world_own();
    for (unsigned i = 0; i < 3; ++i)
        for (const LivePrefix& prefix : own.prefixes)
            if (prefix.prefix == world.prefixes[i].prefix)
                states |= static_cast<std::uint8_t>(prefix.state << 2 * i);
    return states;
}

class ScriptReader {
public:
    ScriptReader(const std::uint8_t* data, std::size_t size) : next_(data), end_(data + size) {}

    std::vector<ScriptStep> read() {
        while (next_ != end_) action(byte());
        return std::move(steps_);
    }

private:
    std::uint8_t byte() { return next_ == end_ ? std::uint8_t{0} : *next_++; }
    Bytes bytes(std::size_t wanted) {
        const std::size_t length = std::min<std::size_t>(wanted, static_cast<std::size_t>(end_ - next_));
        Bytes taken(next_, next_ + length);
        next_ += length;
        return taken;
    }

    void action(std::uint8_t action) {
        switch (action & kKindBits) {
            case kRaw: {
                const std::size_t low = byte();
                return frame(action, bytes(low | (byte() & 7u) << 8));
            }
            case kIpv6:
                return ipv6(action);
            case kAnswer:
                return answer(action);
            case kError:
                return error(action);
            case kAgain:
                return again(action);
            case kPause:
                return steps_.emplace_back(script::Pause{kPauses[byte() % std::size(kPauses)]}), void();
            case kReload:
                return steps_.emplace_back(script::Reload{byte() % kScriptPolicies}), void();
            default:
                return steps_.emplace_back(own_with(byte())), void();
        }
    }

    void frame(std::uint8_t action, Bytes bytes) {
        if (bytes.empty()) return;
        if (action & kRepair) repair_checksum(bytes);
        const Direction direction = action & kOutbound ? Direction::outbound : Direction::inbound;
        last_ = {direction, bytes};
        steps_.emplace_back(last_);
    }
    void ipv6(std::uint8_t action) {
        const std::uint8_t places = byte(), next = byte(), hop_limit = byte(), length = byte();
        frame(action, ipv6_frame(kPlaces[places >> 4], kPlaces[places & 15], next, hop_limit, bytes(length)));
    }
    [[nodiscard]] std::uint8_t turned(std::uint8_t action) const {
        const bool outbound = last_.direction == Direction::inbound;
        return static_cast<std::uint8_t>((action & ~kOutbound) | (outbound ? kOutbound : 0));
    }

    // Addresses, ports and echo turned round; a TCP segment acknowledges all of the one before.
    void answer(std::uint8_t action) {
        static const Uplink any;
        const std::uint8_t flags = byte(), length = byte();
        const SlowPacket p = read_slowly(last_.bytes, last_.direction, any).packet;
        Bytes made = last_.bytes;
        if (p.family == 0 || p.body.size() < 8 || p.body_at + p.body.size() > made.size()) return;
        const std::size_t at = kEthernet + (p.family == 6 ? kAddresses : 12), size = p.family == 6 ? 16 : 4;
        std::swap_ranges(made.begin() + static_cast<std::ptrdiff_t>(at),
                         made.begin() + static_cast<std::ptrdiff_t>(at + size),
                         made.begin() + static_cast<std::ptrdiff_t>(at + size));
        if (has_ports(p.proto)) {
            overwrite(made, p.body_at, p.destination_port, 2);
            overwrite(made, p.body_at + 2, p.source_port, 2);
        } else if (p.asks_for_echo() || p.answers_echo()) {
            made[p.body_at] = p.family == 6 ? p.icmp_type ^ 1 : p.icmp_type ^ 8;
        }
        if (p.proto == 6 && p.body.size() >= 20) answer_segment(made, p, flags, length);
        std::copy(kUplinkMac.begin(), kUplinkMac.end(), made.begin());
        frame(turned(action), made);
    }
    static void answer_segment(Bytes& made, const SlowPacket& p, std::uint8_t flags, std::uint8_t length) {
        const bool opens = (p.tcp.flags & (kSyn | kAck)) == kSyn;
        const std::uint8_t usual = opens ? kSyn | kAck : kAck;
        overwrite(made, p.body_at + 4, p.tcp.ack, 4);
        overwrite(made, p.body_at + 8, p.tcp.seq + p.tcp.occupied, 4);
        made[p.body_at + 13] = flags != 0 ? flags : usual;
        if (p.family != 6) return;
        made.resize(p.body_at + (p.body[12] >> 4) * 4u + length);
        overwrite(made, kEthernet + 4, static_cast<std::uint32_t>(made.size() - kEthernet - kIpv6Header), 2);
    }

    void error(std::uint8_t action) {
        const std::uint8_t type = byte(), code = byte();
        const SlowPacket p = read_slowly(last_.bytes, last_.direction, Uplink{}).packet;
        if (p.family == 0) return;
        Bytes quoted(last_.bytes.begin() + kEthernet, last_.bytes.end());
        quoted.resize(std::min<std::size_t>(quoted.size(), 1232));
        const Icmp icmp{.type = type, .code = code, .id = 0, .seq = 1280};
        Packet packet = Ethernet{} / Ipv4{.src = "192.0.2.1", .dst = "100.64.0.2"} / icmp / Payload{quoted};
        if (p.family == 6)
            packet = Ethernet{} / Ipv6{.src = kPlaces[13], .dst = to_string(p.src)} / icmp / Payload{quoted};
        const script::Frame about = last_;
        frame(turned(action), packet.bytes());
        last_ = about;  // more may be said about it
    }

    void again(std::uint8_t action) {
        const std::uint8_t offset = byte(), bits = byte();
        Bytes made = last_.bytes;
        if (kEthernet + offset < made.size()) made[kEthernet + offset] ^= bits;
        const std::uint8_t way = last_.direction == Direction::outbound ? kOutbound : 0;
        frame(static_cast<std::uint8_t>(action ^ way), made);
    }

    const std::uint8_t* next_;
    const std::uint8_t* end_;
    script::Frame last_;
    std::vector<ScriptStep> steps_;
};

class ScriptWriter {
public:
    Bytes write(const Vector& vector) {
        for (const Step& step : vector.steps) std::visit([this](const auto& one) { put(one); }, step);
        return std::move(out_);
    }

private:
    // A script knows no inspector: in it there is none.
    void put(const Inspector&) {}
    void put(const Found&) {}
    void put(const Ban&) {}
    void put(std::initializer_list<std::size_t> bytes) {
        for (const std::size_t byte : bytes) out_.push_back(static_cast<std::uint8_t>(byte));
    }
    void put(const Wait& wait) {
        const auto* at = std::lower_bound(std::begin(kPauses), std::end(kPauses) - 1, wait.seconds);
        put({kPause, static_cast<std::size_t>(at - kPauses)});
    }
    void put(const Load& load) { put({kReload, load.rules == kWorldRules ? 0u : 1u}); }
    void put(const Own& own) { put({kOwn, states_of(own)}); }
    void put(const Judged& judged) {
        const std::size_t way = judged.direction == Direction::outbound ? kOutbound : 0;
        const Bytes& frame = judged.frame;
        if (!put_short(way, frame)) {
            put({kRaw | way, frame.size() & 0xff, frame.size() >> 8});
            out_.insert(out_.end(), frame.begin(), frame.end());
        }
    }
    // In the compact form, if that says just the same.
    bool put_short(std::size_t way, const Bytes& frame) {
        constexpr std::size_t kHeaders = kEthernet + kIpv6Header;
        if (frame.size() < kHeaders || frame.size() - kHeaders > 0xff) return false;
        const Bytes rest(frame.begin() + kHeaders, frame.end());
        for (std::size_t places = 0; places < 256; ++places) {
            if (ipv6_frame(kPlaces[places >> 4], kPlaces[places & 15], frame[kEthernet + 6],
                           frame[kEthernet + 7], rest) != frame)
                continue;
            put({kIpv6 | way, places, frame[kEthernet + 6], frame[kEthernet + 7], rest.size()});
            out_.insert(out_.end(), rest.begin(), rest.end());
            return true;
        }
        return false;
    }

    Bytes out_;
};

}  // namespace

const char* script_rules(unsigned policy) {
    static const std::string options = world_rules_with(
        "routing-headers allow; udp-without-checksum allow; other-ethertypes allow; timeout udp 2m",
        "drop tcp 443 from 2001:db8:66::/48 name changed; reject-late tcp 79 name finger;"
        "accept icmpv6 { 144, 160 } to nas name mobile",
        "accept udp 6000 endpoint-independent name games; accept tcp 6000 endpoint-independent name lobby");
    static const std::string open = world_rules_with("ipv4 pass", "default reject; drop udp 443 name closed");
    return policy == 1 ? options.c_str() : policy == 2 ? open.c_str() : kWorldRules;
}

std::vector<ScriptStep> read_script(const std::uint8_t* data, std::size_t size) {
    return ScriptReader(data, size).read();
}

Bytes write_script(const Vector& vector) { return ScriptWriter().write(vector); }

}  // namespace dishwall::test
