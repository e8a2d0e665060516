// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of ports and workers share: DPDK started once, frames that can be told apart, and an
// inspector that does as the frame says.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "dataplane/engine/frame_inspector.h"
#include "dataplane/port/eal.h"

namespace dishwall {

using std::chrono::milliseconds;
using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kTestMegabytes = 64;

// Once a process, as DPDK wants it; ends with the process.
inline const Eal& dpdk() {
    static const Result<Eal> eal = Eal::start(kTestMegabytes);
    if (!eal) throw std::runtime_error(eal.error().message);
    return *eal;
}

// An Ethernet frame of an experimental type. Its first byte of payload says what becomes of it, the next two
// which one it is.
enum class Order : std::uint8_t { forward, drop, answer };
inline Bytes frame(Order order, std::uint16_t number, std::size_t size = 64) {
    Bytes made(size, 0x55);
    const std::uint8_t head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};
    std::copy(std::begin(head), std::end(head), made.begin());
    made[14] = static_cast<std::uint8_t>(order);
    made[15] = static_cast<std::uint8_t>(number >> 8);
    made[16] = static_cast<std::uint8_t>(number);
    return made;
}
inline bool is_ours(const Bytes& frame) {
    return frame.size() >= 17 && frame[12] == 0x88 && frame[13] == 0xb5;
}

// Forwards, drops, or answers with a frame of its own.
class Obedient : public FrameInspector {
public:
    Fate inspect(const Frame& frame, std::uint64_t) override {
        if (seen++ == 0) ticks_before = ticks.load();
        if (hang) std::this_thread::sleep_for(*hang);
        if (frame.length < 17 || frame.data[12] != 0x88) return Fate::drop;
        switch (Order{frame.data[14]}) {
            case Order::forward:
                return Fate::forward;
            case Order::drop:
                return Fate::drop;
            case Order::answer:
                break;
        }
        Bytes answer(frame.data, frame.data + frame.length);
        answer[17] = 0xaa;
        sender->send(answer);
        return Fate::held;
    }
    void tick(std::uint64_t) override { ticks++; }

    FrameSender* sender = nullptr;
    std::optional<milliseconds> hang;
    std::atomic<unsigned> seen = 0, ticks = 0, ticks_before = 0;  // the last: before the first frame
};

inline bool eventually(const std::function<bool()>& true_at_last, milliseconds most = milliseconds(3000)) {
    for (const auto end = std::chrono::steady_clock::now() + most; std::chrono::steady_clock::now() < end;) {
        if (true_at_last()) return true;
        std::this_thread::sleep_for(milliseconds(1));
    }
    return true_at_last();
}

}  // namespace dishwall
