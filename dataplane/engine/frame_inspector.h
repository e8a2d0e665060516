// SPDX-License-Identifier: BSD-3-Clause
//
// What a worker asks of whoever judges its frames, and what that one asks of the worker. The engine knows no
// DPDK and the worker no signatures: this header is all that they share, so each is tested and measured
// without the other.
#pragma once

#include <cstdint>
#include <span>

namespace dishwall {

// An Ethernet frame in the worker's buffer. It may be changed in place, up to `room` bytes from `data`; its
// length stays as it is.
struct Frame {
    std::uint8_t* data;
    std::uint32_t length;
    std::uint32_t room;
};

// Has it on its way from memory while another one is judged.
inline void expect(const Frame& frame) {
    constexpr std::uint32_t kLine = 64;
    for (std::uint32_t at = 0; at < frame.length; at += kLine) __builtin_prefetch(frame.data + at);
}

enum class Fate {
    forward,  // hand it back
    drop,
    held,  // kept as a copy, to be sent later through a FrameSender; the buffer is free again
};

// Called by one thread only, the worker's. Times are CLOCK_MONOTONIC.
class FrameInspector {
public:
    virtual ~FrameInspector() = default;

    virtual Fate inspect(const Frame& frame, std::uint64_t now_ns) = 0;

    // Once a round, with or without frames; at least every 50 ms.
    virtual void tick(std::uint64_t now_ns) = 0;
};

// Sends frames of the engine's own making: resets, ICMPv6 errors, released fragments. They leave behind the
// frames of the burst that is being inspected.
class FrameSender {
public:
    virtual ~FrameSender() = default;

    // Takes a copy. False when there is no room: the frame is lost.
    virtual bool send(std::span<const std::uint8_t> frame) = 0;
};

}  // namespace dishwall
