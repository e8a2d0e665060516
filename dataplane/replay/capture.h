// SPDX-License-Identifier: BSD-3-Clause
//
// A capture file, by libpcap, as frames that can be judged, with their times. What was captured is often not
// what was on the wire: the capture cut it off (tcpdump -s), the kernel had glued several packets together
// (GRO) or not yet cut one up (GSO), and the checksum was left to the network card. So each frame is mended:
// what is missing or beyond `most` is taken off the lengths in its headers, and its checksum is made right.
// What the headers say otherwise stays.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/replay/frame_parts.h"
#include "rules/result.h"

struct pcap;

namespace dishwall {

using FrameBytes = std::vector<std::uint8_t>;

struct Mending {
    enum class What {
        everything,          // lengths beyond the frame and all checksums are made right
        what_capturing_did,  // lies and wrong checksums that were on the wire stay
    };
    std::size_t most = 2048;  // bytes of a frame, at most 65,535
    What what = What::everything;
};

struct CapturedFrame {
    std::uint64_t number = 0;  // in the capture, from 1
    FrameBytes bytes;  // Ethernet; without an address of either end when the capture had no link header
    FrameParts parts;
    std::int64_t time_ns = 0;   // since 1970
    std::uint32_t on_wire = 0;  // bytes, link header included
};

class Capture {
public:
    // The message names the file. "-" is standard input.
    [[nodiscard]] static Result<Capture> open(const std::string& path, const Mending& mending = {});

    // Into `frame`, whose memory is used again. False: the end. Fails when the file is damaged.
    [[nodiscard]] Result<bool> next(CapturedFrame* frame);
    // How much of the file is behind us, 0..1; 0 when that cannot be told.
    [[nodiscard]] double done() const;

private:
    struct Closer {
        void operator()(pcap* handle) const;
    };
    Capture(std::string path, std::unique_ptr<pcap, Closer> handle, bool raw, const Mending& mending);

    std::string path_;
    std::unique_ptr<pcap, Closer> handle_;
    bool raw_;  // IP packets without a link header
    Mending mending_;
    std::uint64_t size_ = 0;    // of the file; 0: not known
    std::uint64_t frames_ = 0;  // read so far
};

// Of an Ethernet frame, and the parts of what it is then. `was_cut`: the capture kept less than was on the
// wire.
FrameParts mend(FrameBytes* frame, const Mending& mending = {}, bool was_cut = false);

}  // namespace dishwall
