// SPDX-License-Identifier: BSD-3-Clause
//
// One thread that takes frames from a port, has each judged, and hands back what may go on. It tells the XDP
// program through shared memory that it is alive (`beat_ns`) and how far it has come (`taken`): the program
// decides by these two alone what becomes of the next packet, so a worker that hangs, lags or dies has failed
// without saying a word.
//
// Under load it polls. When nothing arrived for kSpin it sleeps on the socket until something does, for at
// most kNap: a gateway is idle most of the day.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "bpf/core/layout.h"
#include "dataplane/engine/frame_inspector.h"
#include "dataplane/port/burst.h"
#include "dataplane/port/port.h"
#include "rules/result.h"

namespace dishwall {

class Worker : private FrameSender {
public:
    static constexpr std::chrono::microseconds kSpin{20};
    static constexpr std::chrono::milliseconds kNap{50};  // a fifth of what the programs take for a failure
    // Frames that are given and do not come for so long while the port is empty were lost on their way.
    static constexpr std::chrono::milliseconds kLost{50};

    // `shared` outlives the worker.
    Worker(unsigned number, Port port, dw_worker* shared);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker() { stop(); }

    // Where the inspector sends frames of its own; to be used on the worker's thread only.
    [[nodiscard]] FrameSender& sender() { return *this; }
    [[nodiscard]] const Port& port() const { return port_; }

    // Runs on `core`, or where the scheduler likes. The inspector outlives the worker's thread.
    [[nodiscard]] Result<void> start(FrameInspector* inspector, std::optional<unsigned> core);

    // Returns when the thread has ended. From then on the worker counts as failed.
    void stop();

private:
    void run();
    void round(std::uint64_t now_ns);
    void count_taken(std::uint64_t frames);
    void notice_losses(std::uint64_t now_ns);
    void rest(std::uint64_t now_ns);
    bool send(std::span<const std::uint8_t> frame) override;

    unsigned number_;
    Port port_;
    dw_worker* shared_;
    FrameInspector* inspector_ = nullptr;
    std::thread thread_;
    std::atomic<bool> stopping_ = false;

    // The thread's.
    Burst burst_, own_;
    std::uint64_t busy_ns_ = 0;      // when a frame came last
    std::uint64_t given_ = 0;        // what the programs had given
    std::uint64_t given_since_ = 0;  // and since when it is that
};

}  // namespace dishwall
