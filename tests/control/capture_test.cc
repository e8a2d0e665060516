// SPDX-License-Identifier: BSD-3-Clause
//
// Captures as people have them: cut off, glued together, with checksums that nobody filled in.
#include "dataplane/replay/capture.h"

#include <gtest/gtest.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <pcap/pcap.h>

#include <filesystem>
#include <fstream>

#include "capture_file.h"
#include "control/frame_builder.h"
#include "dataplane/replay/frame_parts.h"
#include "control/frame_text.h"

namespace dishwall {
namespace {

using Bytes = FrameBytes;

constexpr MacAddress kOwn{2, 0, 0, 0, 0, 1};
constexpr char kToWeb[] = "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S";
constexpr std::size_t kL4 = 54;

Bytes frame_of(const char* text) { return build_frame(*parse_packet(text), kOwn); }

void write16(Bytes* frame, std::size_t at, unsigned value) {
    (*frame)[at] = static_cast<std::uint8_t>(value >> 8);
    (*frame)[at + 1] = static_cast<std::uint8_t>(value);
}

// The frame with so many bytes of payload more, in its lengths too; its checksum is wrong then.
Bytes longer(Bytes frame, std::size_t more) {
    frame.resize(frame.size() + more, 0x5a);
    write16(&frame, 18, static_cast<unsigned>(frame.size() - kL4));
    return frame;
}

class Captures : public testing::Test {
protected:
    std::vector<Bytes> read() {
        std::vector<Bytes> frames;
        Result<Capture> capture = Capture::open(file_.path());
        EXPECT_TRUE(capture) << capture.error().message;
        CapturedFrame frame;
        for (Result<bool> got = capture->next(&frame); got && *got; got = capture->next(&frame))
            frames.push_back(frame.bytes);
        return frames;
    }
    void write(const std::vector<Bytes>& frames, int link = DLT_EN10MB, unsigned snap = 262144) {
        file_.write(frames, link, snap);
    }

    CaptureFile file_;
    const std::string path_ = file_.path();
};

TEST_F(Captures, WholeFramesStayAsTheyAre) {
    const std::vector<Bytes> frames{frame_of(kToWeb), frame_of("out udp [2001:db8::1]:5 > [2001:db8::2]:53"),
                                    frame_of("in icmpv6 echo-request 2001:db8::1 > 2001:db8::2"),
                                    frame_of("in proto 50 2001:db8::1 > 2001:db8::2")};
    write(frames);
    EXPECT_EQ(read(), frames);
}

TEST_F(Captures, ChecksumsThatNobodyFilledInAreMadeRight) {
    for (const char* text : {kToWeb, "out udp [2001:db8::1]:5 > [2001:db8::2]:53",
                             "in icmpv6 echo-request 2001:db8::1 > 2001:db8::2"}) {
        const Bytes right = frame_of(text);
        Bytes wrong = right;
        write16(&wrong, kL4 + (wrong[20] == IPPROTO_TCP ? 16 : wrong[20] == IPPROTO_UDP ? 6 : 2), 0x1234);
        write({wrong});
        EXPECT_EQ(read().at(0), right) << text;
    }
}

// RFC 8200 8.1 forbids it, and the programs judge it.
TEST_F(Captures, UdpWithoutAChecksumStaysWithout) {
    Bytes frame = frame_of("out udp [2001:db8::1]:5 > [2001:db8::2]:53");
    write16(&frame, kL4 + 6, 0);
    write({frame});
    EXPECT_EQ(read().at(0), frame);
}

TEST_F(Captures, WhatTheCaptureCutOffIsTakenOffTheLengths) {
    write({longer(frame_of(kToWeb), 1000)}, DLT_EN10MB, 96);
    Bytes expected = longer(frame_of(kToWeb), 96 - 74);
    mend(&expected);
    ASSERT_EQ(read().at(0), expected);
    EXPECT_EQ(parts_of(expected).end, 96u);
    EXPECT_EQ(frame_text(expected, Direction::inbound), kToWeb);

    Bytes udp = longer(frame_of("out udp [2001:db8::1]:5 > [2001:db8::2]:53"), 1000);
    write16(&udp, kL4 + 4, 1008);
    write({udp}, DLT_EN10MB, 96);
    EXPECT_EQ(read16(read().at(0), kL4 + 4), 96 - kL4);
}

TEST_F(Captures, SeveralSegmentsInOneAreJudgedAsOne) {
    write({longer(frame_of(kToWeb), 60000)});
    const Bytes frame = read().at(0);
    EXPECT_EQ(frame.size(), 2048u);
    EXPECT_EQ(parts_of(frame).end, 2048u);
}

// Headers that lie stay liars: they are what is to be judged.
TEST_F(Captures, AWrongUdpLengthStaysWrong) {
    Bytes frame = frame_of("out udp [2001:db8::1]:5 > [2001:db8::2]:53");
    write16(&frame, kL4 + 4, 900);
    write({frame});
    EXPECT_EQ(read16(read().at(0), kL4 + 4), 900);
}

TEST_F(Captures, RawPacketsGetALinkHeader) {
    const Bytes frame = frame_of(kToWeb);
    write({Bytes(frame.begin() + 14, frame.end())}, DLT_RAW);
    Bytes expected = frame;
    std::fill_n(expected.begin(), 12, 0);
    EXPECT_EQ(read().at(0), expected);

    const Bytes group = frame_of("in icmpv6 router-advertisement fe80::1 > ff02::1:2");
    write({Bytes(group.begin() + 14, group.end())}, DLT_IPV6);
    Bytes got = read().at(0);
    got.resize(6);
    EXPECT_EQ(got, (Bytes{0x33, 0x33, 0, 1, 0, 2}));
}

TEST_F(Captures, WhatCannotBeReadIsSaid) {
    EXPECT_EQ(Capture::open("/nonexistent/a.pcap").error().message,
              "cannot read the capture /nonexistent/a.pcap: /nonexistent/a.pcap: No such file or directory");
    std::ofstream(path_) << "not a capture at all, though long enough for a header";
    EXPECT_EQ(Capture::open(path_).error().message,
              fmt::format("cannot read the capture {}: unknown file format", path_));
    write({frame_of(kToWeb)}, DLT_LINUX_SLL);
    EXPECT_EQ(
        Capture::open(path_).error().message,
        fmt::format("the capture {} has link type LINUX_SLL; Ethernet and raw IP can be read: capture on one "
                    "interface, not on 'any'",
                    path_));
}

TEST_F(Captures, ADamagedEndIsAnErrorBehindWhatIsGood) {
    write({frame_of(kToWeb), frame_of(kToWeb)});
    std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 10);
    Result<Capture> capture = Capture::open(path_);
    CapturedFrame frame;
    EXPECT_TRUE(capture->next(&frame).value());
    const auto second = capture->next(&frame);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message.find("the capture " + path_ + " is damaged: "), 0u)
        << second.error().message;
}

// A fragment's length stays a multiple of eight, or its form would be wrong (RFC 8200 4.5).
TEST_F(Captures, FragmentsStayFragments) {
    Bytes frame = frame_of("in udp [2001:db8::1]:5 > [2001:db8::2]:53");
    frame.resize(kL4);
    frame[20] = IPPROTO_FRAGMENT;
    frame.insert(frame.end(), {IPPROTO_UDP, 0, 0, 1, 0, 0, 0, 9});
    frame = longer(frame, 1000);
    write({frame}, DLT_EN10MB, 100);
    const Bytes got = read().at(0);
    EXPECT_EQ((got.size() - kL4 - 8) % 8, 0u);
    EXPECT_EQ(read16(got, 18), got.size() - kL4);
    EXPECT_EQ(frame_text(got, Direction::inbound),
              "in UDP 2001:db8::1 > 2001:db8::2 port 23130 > 23130 (first fragment)");
}

TEST(FrameText, WhatIsNoIpv6) {
    Bytes arp(60);
    write16(&arp, 12, ETHERTYPE_ARP);
    EXPECT_EQ(frame_text(arp, Direction::inbound), "in ARP");
    write16(&arp, 12, 0x88cc);
    EXPECT_EQ(frame_text(arp, Direction::outbound), "out frame of ethertype 0x88cc, 60 bytes");
    EXPECT_EQ(frame_text({}, Direction::inbound), "in frame of ethertype 0x0000, 0 bytes");
    Bytes ipv4(14 + 28);
    write16(&ipv4, 12, ETHERTYPE_IP);
    ipv4[14] = 0x45;
    write16(&ipv4, 16, 28);
    ipv4[23] = IPPROTO_UDP;
    ipv4[26] = 192, ipv4[29] = 1, ipv4[30] = 10, ipv4[33] = 2;
    write16(&ipv4, 34, 53);
    write16(&ipv4, 36, 99);
    EXPECT_EQ(frame_text(ipv4, Direction::inbound), "in UDP 192.0.0.1 > 10.0.0.2 port 53 > 99");
}

// Whatever stands in a capture, it is read within its bounds (the sanitizers watch).
TEST(FrameParts, RandomBytesAreHarmless) {
    std::uint64_t state = 88172645463325252ull;
    const auto draw = [&] {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return state;
    };
    constexpr std::array<std::uint8_t, 8> kHeaders{0, 43, 44, 60, 51, 6, 17, 58};
    for (int i = 0; i < 100'000; ++i) {
        Bytes frame(draw() % 120);
        for (std::uint8_t& byte : frame) byte = static_cast<std::uint8_t>(draw());
        if (frame.size() >= 22) {
            write16(&frame, 12,
                    draw() % 2 == 0   ? ETHERTYPE_IPV6
                    : draw() % 2 == 0 ? ETHERTYPE_IP
                                      : ETHERTYPE_VLAN);
            frame[14] = draw() % 2 == 0 ? 0x60 : 0x45;
            frame[20] = kHeaders[draw() % kHeaders.size()];
            if (draw() % 2 == 0) write16(&frame, 18, static_cast<unsigned>(draw() % 120));
        }
        (void)frame_text(frame, Direction::inbound);
        mend(&frame);
        (void)frame_text(frame, Direction::inbound);
    }
}

}  // namespace
}  // namespace dishwall
