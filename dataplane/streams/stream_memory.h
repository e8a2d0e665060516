// SPDX-License-Identifier: BSD-3-Clause
//
// The memory that streams keep bytes in: chunks of one size from one bounded pool, so that nothing is
// allocated for a packet once the pool has grown, and so that no peer can make the inspector grow past its
// bound. When all is used up, the user that was touched longest ago is told to give up what it has.
//
// One object per worker, not for several threads: flows stay on one worker. All workers together are bounded
// by giving each its share.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace dishwall {

inline constexpr std::size_t kChunkBytes = 2048;  // of a stream; one full-size segment is in one or two

struct alignas(64) Chunk {
    std::array<std::uint64_t, kChunkBytes / 64> present;  // a bit for each byte below
    std::array<std::uint8_t, kChunkBytes> bytes;
};

struct StreamLimits {
    // Per stream: more than is under way on any line that a gateway has (200 Mbit/s over 150 ms are 3.75 MB).
    std::size_t kept_bytes = std::size_t{4} << 20;          // taken, not yet acknowledged
    std::size_t out_of_order_bytes = std::size_t{4} << 20;  // how far ahead of what was taken
    std::size_t all_bytes = std::size_t{256} << 20;         // of chunks, for all streams of this worker
};

class StreamMemory;

// Who holds chunks. Must not move while it does; leaves the list by itself when it is destroyed.
class MemoryUser {
public:
    MemoryUser() = default;
    MemoryUser(const MemoryUser&) = delete;
    MemoryUser& operator=(const MemoryUser&) = delete;

protected:
    ~MemoryUser() = default;

private:
    friend class StreamMemory;
    virtual void give_up() = 0;  // gives back every chunk and calls StreamMemory::remove()

    MemoryUser* older_ = nullptr;
    MemoryUser* newer_ = nullptr;
    bool listed_ = false;
};

class StreamMemory {
public:
    explicit StreamMemory(StreamLimits limits) : limits_(limits) {}
    StreamMemory(const StreamMemory&) = delete;
    StreamMemory& operator=(const StreamMemory&) = delete;

    // A chunk with no byte present; others are given up for it if need be. Null when only `asking` itself is
    // left to be given up (which then is for the caller to do).
    [[nodiscard]] Chunk* take(MemoryUser& asking);
    void give_back(Chunk* chunk) { free_.push_back(chunk); }

    void touch(MemoryUser& user);  // `user` is now the one used most recently
    void remove(MemoryUser& user);

    // Of one stream, at this moment: when more than half of all is used up, no stream may have more than a
    // little, so that a few greedy ones do not push the others out.
    [[nodiscard]] std::size_t kept_bytes() const { return share_of(limits_.kept_bytes); }
    [[nodiscard]] std::size_t out_of_order_bytes() const { return share_of(limits_.out_of_order_bytes); }
    [[nodiscard]] std::size_t used_bytes() const { return (made_ - free_.size()) * sizeof(Chunk); }
    [[nodiscard]] std::uint64_t given_up() const { return given_up_; }  // users, ever

private:
    static constexpr std::size_t kScarceShare = std::size_t{256} << 10;

    [[nodiscard]] bool grow();
    [[nodiscard]] std::size_t share_of(std::size_t limit) const {
        return used_bytes() > limits_.all_bytes / 2 ? std::min(limit, kScarceShare) : limit;
    }

    StreamLimits limits_;
    std::vector<std::unique_ptr<Chunk[]>> slabs_;
    std::vector<Chunk*> free_;
    std::size_t made_ = 0;  // chunks
    std::uint64_t given_up_ = 0;
    MemoryUser* oldest_ = nullptr;
    MemoryUser* newest_ = nullptr;
};

}  // namespace dishwall
