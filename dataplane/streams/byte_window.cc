// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/streams/byte_window.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace dishwall {
namespace {

constexpr std::size_t kBits = 64;
constexpr std::size_t kFirstRing = 4;
constexpr std::size_t kLastingRing = 128;  // a KiB, for 256 KiB of stream; a longer one goes with its chunks

std::uint64_t chunk_number(std::uint64_t position) { return position / kChunkBytes; }
std::size_t chunk_offset(std::uint64_t position) { return position % kChunkBytes; }

// Calls part(offset in the chunk, bytes) for what of a word of presence bits lies in [offset, offset +
// count).
template <typename Part>
bool for_each_word(std::size_t offset, std::size_t count, Part part) {
    while (count > 0) {
        const std::size_t here = std::min(count, kBits - offset % kBits);
        if (!part(offset, here)) return false;
        offset += here;
        count -= here;
    }
    return true;
}

std::uint64_t mask_of(std::size_t offset, std::size_t count) {
    return (count == kBits ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1) << (offset % kBits);
}

void mark(Chunk& chunk, std::size_t offset, std::size_t count) {
    const std::size_t first = offset / kBits, last = (offset + count - 1) / kBits;
    const std::size_t head = offset % kBits, tail = kBits - 1 - (offset + count - 1) % kBits;
    if (first == last) {
        chunk.present[first] |= mask_of(offset, count);
        return;
    }
    chunk.present[first] |= ~std::uint64_t{0} << head;
    std::fill(&chunk.present[first + 1], &chunk.present[last], ~std::uint64_t{0});
    chunk.present[last] |= ~std::uint64_t{0} >> tail;
}

bool word_agrees(const Chunk& chunk, std::size_t offset, const std::uint8_t* bytes, std::size_t count) {
    const std::uint64_t mask = mask_of(offset, count);
    const std::uint64_t here = chunk.present[offset / kBits] & mask;
    if (here == mask) return std::memcmp(&chunk.bytes[offset], bytes, count) == 0;
    for (std::size_t i = 0; here != 0 && i < count; ++i)
        if ((here >> ((offset + i) % kBits) & 1) && chunk.bytes[offset + i] != bytes[i]) return false;
    return true;
}

// The first offset from `offset` on whose bit is `wanted`, or kChunkBytes.
std::size_t find_bit(const Chunk& chunk, std::size_t offset, bool wanted) {
    while (offset < kChunkBytes) {
        const std::uint64_t word = chunk.present[offset / kBits];
        const std::uint64_t rest = (wanted ? word : ~word) >> (offset % kBits);
        if (rest != 0) return offset + static_cast<std::size_t>(std::countr_zero(rest));
        offset = (offset / kBits + 1) * kBits;
    }
    return kChunkBytes;
}

}  // namespace

Chunk* ByteWindow::chunk_at(std::uint64_t position) const {
    const std::uint64_t number = chunk_number(position);
    return number >= low_ && number < high_ ? ring_[number & (ring_.size() - 1)] : nullptr;
}

// Makes the ring wide enough for one more chunk number.
void ByteWindow::cover(std::uint64_t number) {
    const bool empty = low_ == high_;
    const std::uint64_t low = empty ? number : std::min(low_, number);
    const std::uint64_t high = empty ? number + 1 : std::max(high_, number + 1);
    if (high - low > ring_.size()) {
        std::vector<Chunk*> wider(std::bit_ceil(std::max<std::size_t>(kFirstRing, high - low)), nullptr);
        for (std::uint64_t n = low_; n < high_; ++n)
            wider[n & (wider.size() - 1)] = ring_[n & (ring_.size() - 1)];
        ring_ = std::move(wider);
    }
    low_ = low;
    high_ = high;
}

Chunk* ByteWindow::make_chunk_at(std::uint64_t position) {
    if (Chunk* const there = chunk_at(position)) return there;
    Chunk* const made = memory_.take(*this);
    if (!made) {
        give_up();
        return nullptr;
    }
    const std::uint64_t number = chunk_number(position);
    cover(number);
    return ring_[number & (ring_.size() - 1)] = made;
}

bool ByteWindow::store(std::uint64_t position, Bytes bytes) {
    if (given_up_) return false;
    if (!bytes.empty()) memory_.touch(*this);
    while (!bytes.empty()) {
        Chunk* const chunk = make_chunk_at(position);
        if (!chunk) return false;
        const std::size_t offset = chunk_offset(position);
        const std::size_t count = std::min(bytes.size(), kChunkBytes - offset);
        std::memcpy(&chunk->bytes[offset], bytes.data(), count);
        mark(*chunk, offset, count);
        position += count;
        bytes = bytes.subspan(count);
    }
    return true;
}

bool ByteWindow::agrees(std::uint64_t position, Bytes bytes) const {
    while (!bytes.empty()) {
        const std::size_t offset = chunk_offset(position);
        const std::size_t count = std::min(bytes.size(), kChunkBytes - offset);
        const Chunk* const chunk = chunk_at(position);
        const bool same = !chunk || for_each_word(offset, count, [&](std::size_t at, std::size_t n) {
            return word_agrees(*chunk, at, bytes.data() + (at - offset), n);
        });
        if (!same) return false;
        position += count;
        bytes = bytes.subspan(count);
    }
    return true;
}

Bytes ByteWindow::run(std::uint64_t position) const {
    const Chunk* const chunk = chunk_at(position);
    if (!chunk) return {};
    const std::size_t offset = chunk_offset(position);
    return Bytes(&chunk->bytes[offset], find_bit(*chunk, offset, false) - offset);
}

std::uint64_t ByteWindow::first_present(std::uint64_t from, std::uint64_t to) const {
    for (std::uint64_t at = from; at < to; at = (chunk_number(at) + 1) * kChunkBytes) {
        const Chunk* const chunk = chunk_at(at);
        if (!chunk) continue;
        const std::size_t found = find_bit(*chunk, chunk_offset(at), true);
        if (found < kChunkBytes) return std::min(to, at - chunk_offset(at) + found);
    }
    return to;
}

void ByteWindow::release_below(std::uint64_t position) {
    const std::uint64_t end = std::min(high_, chunk_number(position));
    for (; low_ < end; ++low_)
        if (Chunk* const chunk = std::exchange(ring_[low_ & (ring_.size() - 1)], nullptr))
            memory_.give_back(chunk);
    if (low_ == high_) memory_.remove(*this);
}

void ByteWindow::release() {
    release_below(~std::uint64_t{0});
    memory_.remove(*this);
    if (ring_.size() > kLastingRing) std::vector<Chunk*>().swap(ring_);
}

void ByteWindow::give_up() {
    release();
    given_up_ = true;
}

}  // namespace dishwall
