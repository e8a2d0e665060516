// SPDX-License-Identifier: BSD-3-Clause
//
// Memory of megabytes, which `Environment::will_fill` is told of before anything is written to it.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <utility>
#include <vector>

#include "rules/environment.h"

namespace dishwall {

inline constexpr std::size_t kLargeRoom = std::size_t{4} << 20;  // smaller ones are not worth a question

inline void announce(const WillFill& will_fill, void* begin, std::size_t bytes) {
    if (will_fill && bytes >= kLargeRoom) will_fill(begin, bytes);
}

// Room for so many elements in an empty vector.
template <typename T>
void reserve_room(const WillFill& will_fill, std::size_t count, std::vector<T>* elements) {
    elements->reserve(count);
    announce(will_fill, elements->data(), count * sizeof(T));
}

// What an arena takes its blocks from.
class LargeRooms : public std::pmr::memory_resource {
public:
    explicit LargeRooms(WillFill will_fill) : will_fill_(std::move(will_fill)) {}

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        void* const room = std::pmr::new_delete_resource()->allocate(bytes, alignment);
        announce(will_fill_, room, bytes);
        return room;
    }
    void do_deallocate(void* room, std::size_t bytes, std::size_t alignment) override {
        std::pmr::new_delete_resource()->deallocate(room, bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
        return this == &other;
    }

    WillFill will_fill_;
};

}  // namespace dishwall
