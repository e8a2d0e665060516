// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/worker.h"

#include <pthread.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <spdlog/spdlog.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

namespace dishwall {
namespace {

using Shared = std::atomic_ref<__u64>;

std::uint64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

Frame view_of(rte_mbuf& frame) {
    return {rte_pktmbuf_mtod(&frame, std::uint8_t*), rte_pktmbuf_data_len(&frame),
            static_cast<std::uint32_t>(rte_pktmbuf_data_len(&frame) + rte_pktmbuf_tailroom(&frame))};
}

constexpr std::uint64_t in_ns(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count());
}

}  // namespace

Worker::Worker(unsigned number, Port port, dw_worker* shared)
    : number_(number), port_(std::move(port)), shared_(shared) {}

Result<void> Worker::start(FrameInspector* inspector, std::optional<unsigned> core) {
    inspector_ = inspector;
    stopping_ = false;
    // What was given to a predecessor is gone.
    given_ = Shared(shared_->given).load();
    Shared(shared_->taken).store(given_);
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
        return fail("cannot start the thread of worker {}: {}", number_, error.what());
    }
    const pthread_t thread = thread_.native_handle();
    ::pthread_setname_np(thread, fmt::format("worker-{}", number_).c_str());
    if (!core) return {};
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(*core, &only);
    if (const int error = ::pthread_setaffinity_np(thread, sizeof only, &only); error != 0) {
        stop();
        return fail("worker {} cannot run on core {}: {}", number_, *core, std::strerror(error));
    }
    return {};
}

void Worker::stop() {
    stopping_ = true;
    if (!thread_.joinable()) return;
    thread_.join();
    Shared(shared_->beat_ns).store(0);
}

void Worker::run() {
    // Gives the thread a cache of buffers of its own; without one all still works.
    if (rte_thread_register() != 0) spdlog::debug("worker {} has no buffer cache", number_);
    inspector_->tick(now());  // what it was told before holds for the first frame
    while (!stopping_.load(std::memory_order_relaxed)) {
        const std::uint64_t time = now();
        Shared(shared_->beat_ns).store(time, std::memory_order_relaxed);
        round(time);
    }
    burst_.clear();
    own_.clear();
    rte_thread_unregister();
}

void Worker::round(std::uint64_t now_ns) {
    port_.receive(&burst_);
    const bool idle = burst_.empty();
    if (!idle) {
        busy_ns_ = now_ns;
        count_taken(burst_.size());
        const std::span<rte_mbuf* const> frames = burst_.frames();
        for (const rte_mbuf* frame : frames) __builtin_prefetch(frame);  // says where its bytes are
        std::size_t next = 0;
        burst_.keep_if([&](rte_mbuf& frame) {
            if (++next < frames.size()) expect(view_of(*frames[next]));
            return inspector_->inspect(view_of(frame), now_ns) == Fate::forward;
        });
        port_.transmit(&burst_);
    }
    inspector_->tick(now_ns);
    port_.transmit(&own_);
    if (idle) {
        notice_losses(now_ns);
        rest(now_ns);
    }
}

// Never beyond `given`: a frame that the programs did not give (the stack's own, say) would otherwise look
// like a backlog of 2^64 frames.
void Worker::count_taken(std::uint64_t frames) {
    const std::uint64_t given = Shared(shared_->given).load(std::memory_order_acquire);
    const std::uint64_t taken = Shared(shared_->taken).load(std::memory_order_relaxed);
    Shared(shared_->taken).store(taken + std::min(frames, given - taken), std::memory_order_release);
}

void Worker::notice_losses(std::uint64_t now_ns) {
    const std::uint64_t given = Shared(shared_->given).load(std::memory_order_acquire);
    if (given != given_ || busy_ns_ > given_since_) {
        given_ = given;
        given_since_ = now_ns;
        return;
    }
    if (now_ns - given_since_ >= in_ns(kLost)) Shared(shared_->taken).store(given, std::memory_order_release);
}

void Worker::rest(std::uint64_t now_ns) {
    if (now_ns - busy_ns_ < in_ns(kSpin))
        rte_pause();
    else
        port_.wait(kNap);
}

bool Worker::send(std::span<const std::uint8_t> frame) {
    if (own_.full()) port_.transmit(&own_);
    rte_mbuf* copy = port_.copy_of(frame);
    if (copy == nullptr) return false;
    own_.push(copy);
    return true;
}

}  // namespace dishwall
