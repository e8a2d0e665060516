// SPDX-License-Identifier: BSD-3-Clause
#include "capture_file.h"

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
    pcap_t* dead = pcap_open_dead(link, static_cast<int>(snap));
    pcap_dumper_t* dumper = pcap_dump_open(dead, path_.c_str());
    ASSERT_NE(dumper, nullptr) << pcap_geterr(dead);
    for (const auto& frame : frames) {
        pcap_pkthdr header{};
        header.len = static_cast<bpf_u_int32>(frame.size());
        header.caplen = std::min(header.len, snap);
        pcap_dump(reinterpret_cast<u_char*>(dumper), &header, frame.data());
    }
    pcap_dump_close(dumper);
    pcap_close(dead);
}

}  // namespace dishwall
