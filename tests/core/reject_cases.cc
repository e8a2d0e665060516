// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/reject_cases.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/core/world.h"

namespace dishwall::test {
namespace {

constexpr const char* kRejecting = R"(
version 1
uplink dish { interface eth0; prefix pd from dhcpv6-pd; documentation-prefixes allow }
network lan = dish.pd subnet 1
policy inbound on dish { default reject }
)";
constexpr const char* kPeer = "2001:db8:1::1";
constexpr const char* kNas = "2001:db8:aa00:1::10";
constexpr std::size_t kIp = 14, kL4 = 14 + 40;

std::uint32_t be32(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint32_t>(bytes[at]) << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
}
std::uint16_t be16(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// The transport checksum as a receiver verifies it: the sum over everything is 0xffff.
bool checksum_is_right(const Bytes& frame, std::uint8_t proto) {
    std::uint32_t sum = proto + static_cast<std::uint32_t>(frame.size() - kL4);
    for (std::size_t i = kIp + 8; i < frame.size(); i += 2)
        sum += frame[i] << 8 | (i + 1 < frame.size() ? frame[i + 1] : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

void expect_turned_around(const Bytes& reply, const Bytes& request) {
    EXPECT_TRUE(std::equal(reply.begin(), reply.begin() + 6, request.begin() + 6)) << "MAC addresses";
    EXPECT_TRUE(std::equal(reply.begin() + 6, reply.begin() + 12, request.begin())) << "MAC addresses";
    EXPECT_TRUE(std::equal(reply.begin() + kIp + 8, reply.begin() + kIp + 24, request.begin() + kIp + 24));
    EXPECT_TRUE(std::equal(reply.begin() + kIp + 24, reply.begin() + kIp + 40, request.begin() + kIp + 8));
    EXPECT_EQ(be16(reply, kIp + 4), reply.size() - kL4) << "payload length";
}

void check_reset(Executor& executor) {
    const Bytes syn = (Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Tcp{.sport = 4000, .dport = 113, .seq = 77} /
                       Payload{Bytes(9, 0xab)})
                          .bytes();
    const Bytes reply = executor.reply(syn);
    ASSERT_EQ(reply.size(), 14u + 40 + 20);
    expect_turned_around(reply, syn);
    EXPECT_EQ(be16(reply, kL4), 113);
    EXPECT_EQ(be16(reply, kL4 + 2), 4000);
    EXPECT_EQ(be32(reply, kL4 + 4), 0u) << "no ACK was sent, so the sequence number is zero";
    EXPECT_EQ(be32(reply, kL4 + 8), 77u + 1 + 9) << "the SYN and its data are acknowledged";
    EXPECT_EQ(reply[kL4 + 13], kRst | kAck);
    EXPECT_TRUE(checksum_is_right(reply, 6));
}

void check_unreachable(Executor& executor, std::size_t payload) {
    const Bytes request =
        (Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Udp{.dport = 53} / Payload{Bytes(payload, 0x5a)}).bytes();
    const Bytes reply = executor.reply(request);
    const std::size_t quoted = std::min<std::size_t>(request.size() - 14, 1232) & ~7ul;
    ASSERT_EQ(reply.size(), 14 + 40 + 8 + quoted);
    EXPECT_LE(reply.size() - 14, 1280u);
    expect_turned_around(reply, request);
    EXPECT_EQ(reply[kIp + 6], 58);
    EXPECT_EQ(reply[kL4], 1);
    EXPECT_EQ(reply[kL4 + 1], 1) << "administratively prohibited";
    EXPECT_TRUE(std::equal(reply.begin() + kL4 + 8, reply.end(), request.begin() + 14)) << "the packet is quoted";
    EXPECT_TRUE(checksum_is_right(reply, 58));
}

}  // namespace

void check_rejections(Executor& executor) {
    executor.set_own(world_own());
    executor.install(lower_or_throw(read_or_throw(kRejecting)));
    check_reset(executor);
    for (const std::size_t payload : {0, 1, 8, 100, 1183, 1184, 1185, 1400}) check_unreachable(executor, payload);

    const auto silent = [&](const Packet& packet) { EXPECT_TRUE(executor.reply(packet.bytes()).empty()); };
    silent(Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Icmp{.type = 7} / Payload{Bytes(48)});
    silent(Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Fragment{.more = true} / Udp{} / Payload{Bytes(48)});
    Bytes broken = (Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Tcp{.sport = 4000, .dport = 113}).bytes();
    broken[kL4 + 16] ^= 0x55;
    EXPECT_TRUE(executor.reply(broken).empty()) << "a wrong checksum: no host would have answered";
    unsigned replies = 0;
    for (unsigned i = 0; i < 500; ++i)
        replies += !executor.reply((Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Tcp{.sport = 1}).bytes()).empty();
    EXPECT_GE(replies, 1u);
    EXPECT_LT(replies, 250u) << "replies are rate-limited (R20)";
}

}  // namespace dishwall::test
