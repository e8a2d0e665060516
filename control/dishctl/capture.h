// SPDX-License-Identifier: BSD-3-Clause
//
// A capture file, by libpcap, as frames that can be judged. What was captured is often not what was on the
// wire: the capture cut it off (tcpdump -s), the kernel had glued several packets together (GRO) or not yet
// cut one up (GSO), and the checksum was left to the network card. So each frame is mended: what is missing
// or beyond 2 KiB is taken off the lengths in its headers, and its checksum is made right. What the headers
// say otherwise stays.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/result.h"

struct pcap;

namespace dishwall {

using Bytes = std::vector<std::uint8_t>;

class Capture {
public:
    // The message names the file.
    [[nodiscard]] static Result<Capture> open(const std::string& path);

    // As an Ethernet frame. Nothing: the end. Fails when the file is damaged.
    [[nodiscard]] Result<std::optional<Bytes>> next();

private:
    struct Closer {
        void operator()(pcap* handle) const;
    };
    Capture(std::string path, std::unique_ptr<pcap, Closer> handle, bool raw)
        : path_(std::move(path)), handle_(std::move(handle)), raw_(raw) {}

    std::string path_;
    std::unique_ptr<pcap, Closer> handle_;
    bool raw_;  // IP packets without a link header
};

// Of an Ethernet frame.
void mend(Bytes* frame);

}  // namespace dishwall
