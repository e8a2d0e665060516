// SPDX-License-Identifier: BSD-3-Clause
//
// The one owner of DPDK's buffers on their way through a worker: a handful of frames that were received
// together and are handed back together. What is not handed back is freed here.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

namespace dishwall {

class Burst {
public:
    static constexpr std::uint16_t kMost = 64;

    Burst() = default;
    Burst(const Burst&) = delete;
    Burst& operator=(const Burst&) = delete;
    ~Burst() { clear(); }

    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] bool full() const { return size_ == kMost; }
    [[nodiscard]] std::uint16_t size() const { return size_; }
    [[nodiscard]] std::span<rte_mbuf* const> frames() const { return {frames_.data(), size_}; }

    // Takes the frame over. The burst must not be full.
    void push(rte_mbuf* frame) { frames_[size_++] = frame; }

    void clear() {
        rte_pktmbuf_free_bulk(frames_.data(), size_);
        size_ = 0;
    }

    // Frees those of which `wanted` is not true, and keeps the others in their order.
    template <typename Wanted>
    void keep_if(Wanted wanted) {
        std::uint16_t kept = 0;
        for (rte_mbuf* frame : frames()) {
            if (wanted(*frame))
                frames_[kept++] = frame;
            else
                rte_pktmbuf_free(frame);
        }
        size_ = kept;
    }

private:
    friend class Port;  // DPDK fills the array and takes from it

    std::array<rte_mbuf*, kMost> frames_;
    std::uint16_t size_ = 0;
};

}  // namespace dishwall
