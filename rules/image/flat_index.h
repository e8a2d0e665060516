// SPDX-License-Identifier: BSD-3-Clause
//
// "Which of my elements equals this one?" for elements that stand in somebody's vector: a hash table of their
// numbers, in one piece of memory. A policy asks a hundred thousand times, and a node for each answer, as
// std::unordered_map makes, costs more than the rest of the compiling.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace dishwall {

class FlatIndex {
public:
    void reserve(std::size_t elements) {
        std::size_t size = slots_.size();
        while (size < elements * 2) size *= 2;
        if (size != slots_.size()) grow(size);
    }

    // The number of the element for which `equal(number)` holds; when there is none, `number`, which is
    // added. Equal elements have the same hash.
    template <typename Equal>
    std::uint32_t find_or_add(std::uint64_t hash, std::uint32_t number, Equal equal) {
        if (used_ * 2 >= slots_.size()) grow(slots_.size() * 2);
        const auto tag = static_cast<std::uint32_t>(hash >> 32);
        std::size_t at = tag & (slots_.size() - 1);
        for (; slots_[at].number != kFree; at = (at + 1) & (slots_.size() - 1))
            if (slots_[at].tag == tag && equal(slots_[at].number)) return slots_[at].number;
        slots_[at] = {tag, number};
        ++used_;
        return number;
    }

private:
    static constexpr std::uint32_t kFree = ~0u;

    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t number = kFree;
    };

    void grow(std::size_t size) {
        const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(size));
        for (const Slot& slot : before) {
            if (slot.number == kFree) continue;
            std::size_t at = slot.tag & (size - 1);
            while (slots_[at].number != kFree) at = (at + 1) & (size - 1);
            slots_[at] = slot;
        }
    }

    std::vector<Slot> slots_ = std::vector<Slot>(64);  // a power of two
    std::size_t used_ = 0;
};

}  // namespace dishwall
