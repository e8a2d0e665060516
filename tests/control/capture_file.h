// SPDX-License-Identifier: BSD-3-Clause
//
// A capture file made by libpcap, so that what is read is what tcpdump writes. Removed at the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dishwall {

struct TimedFrame {
    std::vector<std::uint8_t> bytes;
    std::int64_t time_ns = 0;  // since 1970
};

class CaptureFile {
public:
    CaptureFile();
    ~CaptureFile();
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;

    // `link`: DLT_*; `snap`: so much of each frame is kept.
    void write(const std::vector<std::vector<std::uint8_t>>& frames, int link = 1,
               unsigned snap = 262144) const;
    // With times, good for nanoseconds.
    void write_timed(const std::vector<TimedFrame>& frames, int link = 1, unsigned snap = 262144) const;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace dishwall
