// SPDX-License-Identifier: BSD-3-Clause
//
// The bytes of one stream that are worth keeping, by position: those that were taken but not acknowledged and
// those that came out of order are the same thing here, so a byte is copied once and stays where it is when
// the gap before it is filled. A ring of chunks that covers only the part of the stream in use; a bit per
// byte says whether it is there, so a peer that sends single bytes costs no descriptors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/streams/byte_sink.h"
#include "dataplane/streams/stream_memory.h"

namespace dishwall {

class ByteWindow final : private MemoryUser {
public:
    explicit ByteWindow(StreamMemory& memory) : memory_(memory) {}
    ~ByteWindow() { release(); }

    // Writes the bytes at `position`. False when there is no memory: the window is given up then.
    [[nodiscard]] bool store(std::uint64_t position, Bytes bytes);
    // Whether every byte that is here already has the value given.
    [[nodiscard]] bool agrees(std::uint64_t position, Bytes bytes) const;
    // What is here from `position` on without a gap, as far as one chunk goes; empty when that byte is not
    // here.
    [[nodiscard]] Bytes run(std::uint64_t position) const;
    // The lowest position in [from, to) that is here, or `to`.
    [[nodiscard]] std::uint64_t first_present(std::uint64_t from, std::uint64_t to) const;

    void release_below(std::uint64_t position);  // chunk by chunk: some bytes below may stay
    void release();
    // Everything has been released for want of memory, for good.
    [[nodiscard]] bool given_up() const { return given_up_; }
    void give_up() override;
    // Of its own, beside the chunks.
    [[nodiscard]] std::size_t own_bytes() const { return ring_.capacity() * sizeof(Chunk*); }

private:
    [[nodiscard]] Chunk* chunk_at(std::uint64_t position) const;
    [[nodiscard]] Chunk* make_chunk_at(std::uint64_t position);
    void cover(std::uint64_t number);

    StreamMemory& memory_;
    std::vector<Chunk*> ring_;          // chunk number n is at n % size; a power of two
    std::uint64_t low_ = 0, high_ = 0;  // chunk numbers in use: [low_, high_); null where nothing came yet
    bool given_up_ = false;
};

}  // namespace dishwall
