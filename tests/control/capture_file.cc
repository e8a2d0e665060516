// SPDX-License-Identifier: BSD-3-Clause
#include "tests/control/capture_file.h"

#include <gtest/gtest.h>
#include <pcap/pcap.h>
#include <unistd.h>

#include <algorithm>

namespace dishwall {

CaptureFile::CaptureFile() : path_("/tmp/dw-capture-XXXXXX") {
    const int fd = ::mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    ::close(fd);
}

CaptureFile::~CaptureFile() { ::unlink(path_.c_str()); }

void CaptureFile::write(const std::vector<std::vector<std::uint8_t>>& frames, int link, unsigned snap) const {
    std::vector<TimedFrame> timed;
    for (const auto& frame : frames) timed.push_back({frame, 0});
    write_timed(timed, link, snap);
}

void CaptureFile::write_timed(const std::vector<TimedFrame>& frames, int link, unsigned snap) const {
    pcap_t* dead =
        pcap_open_dead_with_tstamp_precision(link, static_cast<int>(snap), PCAP_TSTAMP_PRECISION_NANO);
    pcap_dumper_t* dumper = pcap_dump_open(dead, path_.c_str());
    ASSERT_NE(dumper, nullptr) << pcap_geterr(dead);
    for (const TimedFrame& frame : frames) {
        pcap_pkthdr header{};
        header.ts.tv_sec = frame.time_ns / 1'000'000'000;
        header.ts.tv_usec = frame.time_ns % 1'000'000'000;
        header.len = static_cast<bpf_u_int32>(frame.bytes.size());
        header.caplen = std::min(header.len, snap);
        pcap_dump(reinterpret_cast<u_char*>(dumper), &header, frame.bytes.data());
    }
    pcap_dump_close(dumper);
    pcap_close(dead);
}

}  // namespace dishwall
