// SPDX-License-Identifier: BSD-3-Clause
#include "control/packet_text.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "control/frame_builder.h"

namespace dishwall {
namespace {

TEST(PacketText, ReadsEveryForm) {
    const std::pair<const char*, const char*> cases[] = {
        {"in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S",
         "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S"},
        {"  in tcp [::1]:1   > [::2]:2 ", "in tcp [::1]:1 > [::2]:2 S"},
        {"out tcp [::1]:1 > [::2]:65535 AF", "out tcp [::1]:1 > [::2]:65535 FA"},
        {"out udp [::1]:0 > [::2]:53", "out udp [::1]:0 > [::2]:53"},
        {"in sctp [::1]:1 > [::2]:2", "in sctp [::1]:1 > [::2]:2"},
        {"in icmpv6 echo-request ::1 > ::2", "in icmpv6 echo-request ::1 > ::2"},
        {"in icmpv6 128 ::1 > [::2]", "in icmpv6 echo-request ::1 > ::2"},
        {"in icmpv6 77 ::1 > ::2", "in icmpv6 77 ::1 > ::2"},
        {"in proto 50 ::1 > ::2", "in proto 50 ::1 > ::2"},
    };
    for (const auto& [text, normal] : cases) {
        const Result<PacketSpec> packet = parse_packet(text);
        ASSERT_TRUE(packet) << text << ": " << packet.error().message;
        EXPECT_EQ(to_string(*packet), normal);
        const Result<PacketSpec> again = parse_packet(to_string(*packet));
        ASSERT_TRUE(again);
        EXPECT_EQ(*again, *packet);
    }
}

TEST(PacketText, SaysWhatIsWrong) {
    const std::pair<const char*, const char*> cases[] = {
        {"",
         "a packet begins with 'in' or 'out', for example: in tcp [2001:db8:1::1]:40000 > "
         "[2001:db8:2::10]:443 S"},
        {"in", "'' is not a protocol; tcp, udp, sctp, icmpv6 TYPE or proto NUMBER"},
        {"in ipx ::1 > ::2", "'ipx' is not a protocol; tcp, udp, sctp, icmpv6 TYPE or proto NUMBER"},
        {"in tcp ::1 > ::2", "source: '::1': an address with a port is written [2001:db8::1]:443"},
        {"in tcp [::1]:65536 > [::2]:1",
         "source: '[::1]:65536': a port from 0 to 65535 has to follow, as in [2001:db8::1]:443"},
        {"in tcp [::1]: > [::2]:1",
         "source: '[::1]:': a port from 0 to 65535 has to follow, as in [2001:db8::1]:443"},
        {"in tcp [::1]:1 [::2]:1", "between source and destination stands a '>'"},
        {"in tcp [::1]:1 >", "destination: '': an address with a port is written [2001:db8::1]:443"},
        {"in tcp [::g]:1 > [::2]:1", "source: '::g' is not an IPv6 address"},
        {"in udp [192.0.2.1]:1 > [::2]:1", "source: '192.0.2.1': explain speaks IPv6 only"},
        {"in tcp [::1]:1 > [::2]:1 X", "'X' is not a set of TCP flags (letters of S A F R P U)"},
        {"in tcp [::1]:1 > [::2]:1 S now", "'now' does not belong here"},
        {"in udp [::1]:1 > [::2]:1 S", "'S' does not belong here"},
        {"in icmpv6 echo-reqest ::1 > ::2",
         "'echo-reqest' is not an ICMPv6 type; did you mean `echo-request`?"},
        {"in icmpv6 256 ::1 > ::2", "'256' is not an ICMPv6 type"},
        {"in icmpv6 128 [::1]:5 > ::2", "source: '[::1]:5': this protocol has no ports"},
        {"in proto 6 ::1 > ::2", "protocol 6 is written by its name: tcp, udp or sctp"},
        {"in proto 58 ::1 > ::2", "protocol 58 is written by its name: icmpv6 TYPE"},
        {"in proto 256 ::1 > ::2", "'256' is not a protocol number from 0 to 255"},
    };
    for (const auto& [text, message] : cases) {
        const Result<PacketSpec> packet = parse_packet(text);
        ASSERT_FALSE(packet) << text;
        EXPECT_EQ(packet.error().message, message);
    }
}

TEST(PacketText, QueryPutsOurEndByDirection) {
    const Query in = query_of(*parse_packet("in tcp [::1]:1 > [::2]:2"));
    EXPECT_EQ(in.peer, *parse_ipv6("::1"));
    EXPECT_EQ(in.ours, *parse_ipv6("::2"));
    const Query out = query_of(*parse_packet("out tcp [::1]:1 > [::2]:2"));
    EXPECT_EQ(out.peer, *parse_ipv6("::2"));
    EXPECT_EQ(out.ours, *parse_ipv6("::1"));
    EXPECT_EQ(out.destination_port, 2);
}

// ---- frames

std::uint32_t folded_sum(const std::vector<std::uint8_t>& frame, std::uint8_t proto) {
    std::uint32_t sum = static_cast<std::uint32_t>(frame.size() - 54) + proto;
    for (std::size_t i = 22; i < frame.size(); i += 2)
        sum += frame[i] << 8 | (i + 1 < frame.size() ? frame[i + 1] : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

TEST(FrameBuilder, ChecksumsComeOutRight) {
    for (const char* text : {"in tcp [2001:db8:1::1]:40000 > [2001:db8:2::10]:443 S",
                             "in tcp [2001:db8:1::1]:40000 > [2001:db8:2::10]:443 SAFRPU",
                             "out udp [2001:db8:1::1]:5 > [2001:db8:2::10]:53",
                             "in icmpv6 echo-request 2001:db8:1::1 > 2001:db8:2::10",
                             "in icmpv6 packet-too-big 2001:db8:1::1 > 2001:db8:2::10"}) {
        const PacketSpec packet = *parse_packet(text);
        const std::vector<std::uint8_t> frame = build_frame(packet, {2, 0, 0, 0, 0, 9});
        EXPECT_EQ(folded_sum(frame, packet.proto), 0xffffu) << text;
        EXPECT_EQ(frame[18] << 8 | frame[19], static_cast<int>(frame.size() - 54)) << text;
    }
}

TEST(FrameBuilder, LaysOutATcpSyn) {
    const std::vector<std::uint8_t> frame =
        build_frame(*parse_packet("in tcp [2001:db8:1::1]:40000 > [2001:db8:2::10]:443"), {2, 0, 0, 0, 0, 9});
    ASSERT_EQ(frame.size(), 14u + 40 + 20);
    EXPECT_EQ(frame[5], 9);  // to us
    EXPECT_EQ(frame[12] << 8 | frame[13], 0x86dd);
    EXPECT_EQ(frame[14], 0x60);
    EXPECT_EQ(frame[20], IPPROTO_TCP);
    EXPECT_EQ(frame[54] << 8 | frame[55], 40000);
    EXPECT_EQ(frame[56] << 8 | frame[57], 443);
    EXPECT_EQ(frame[66], 0x50);
    EXPECT_EQ(frame[67], 0x02);
}

TEST(FrameBuilder, OutgoingFramesComeFromUs) {
    const std::vector<std::uint8_t> frame =
        build_frame(*parse_packet("out udp [::1]:1 > [::2]:2"), {2, 0, 0, 0, 0, 9});
    EXPECT_EQ(frame[11], 9);
}

TEST(FrameBuilder, DiscoveryHasHopLimit255) {
    EXPECT_EQ(build_frame(*parse_packet("in icmpv6 135 ::1 > ::2"), {})[21], 255);
    EXPECT_EQ(build_frame(*parse_packet("in icmpv6 128 ::1 > ::2"), {})[21], 64);
}

}  // namespace
}  // namespace dishwall
