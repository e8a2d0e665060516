// SPDX-License-Identifier: BSD-3-Clause
//
// A list that nearly always has one element or none: the ports of a rule, the hosts that it speaks of. A
// hundred thousand rules have half a million such lists. As std::vector each of them would be a piece of
// memory of its own, to be found, filled, looked up in another line and given back; here the one element
// stands in place, and only a longer list moves to memory of its own.
//
// Has what its users need of std::vector, by the same names and with the same meaning. An element's address
// does not outlive a push_back or a move of the list.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

namespace dishwall {

template <typename T>
class Few {
public:
    using value_type = T;
    using size_type = std::size_t;
    using iterator = T*;
    using const_iterator = const T*;
    using reference = T&;
    using const_reference = const T&;

    Few() noexcept {}  // NOLINT: `one_` begins with the first element
    Few(std::initializer_list<T> elements) : Few(elements.begin(), elements.end()) {}
    template <std::forward_iterator Iterator>
    Few(Iterator first, Iterator last) {
        reserve(static_cast<std::size_t>(std::distance(first, last)));
        for (; first != last; ++first) push_back(*first);
    }
    Few(const Few& other) : Few(other.begin(), other.end()) {}
    Few(Few&& other) noexcept { take(&other); }
    Few& operator=(const Few& other) {
        if (this != &other) *this = Few(other);
        return *this;
    }
    Few& operator=(Few&& other) noexcept {
        if (this == &other) return *this;
        give_back();
        take(&other);
        return *this;
    }
    Few& operator=(std::initializer_list<T> elements) { return *this = Few(elements); }
    ~Few() { give_back(); }

    [[nodiscard]] T* data() { return room_ == 0 ? &one_ : many_; }
    [[nodiscard]] const T* data() const { return room_ == 0 ? &one_ : many_; }
    [[nodiscard]] T* begin() { return data(); }
    [[nodiscard]] T* end() { return data() + size_; }
    [[nodiscard]] const T* begin() const { return data(); }
    [[nodiscard]] const T* end() const { return data() + size_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] T& operator[](std::size_t at) { return data()[at]; }
    [[nodiscard]] const T& operator[](std::size_t at) const { return data()[at]; }
    [[nodiscard]] T& front() { return *begin(); }
    [[nodiscard]] const T& front() const { return *begin(); }
    [[nodiscard]] T& back() { return end()[-1]; }
    [[nodiscard]] const T& back() const { return end()[-1]; }
    bool operator==(const Few& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

    void reserve(std::size_t count) {
        if (count > capacity()) move_to(count);
    }
    void push_back(const T& element) { emplace_back(element); }
    void push_back(T&& element) { emplace_back(std::move(element)); }
    template <typename... Arguments>
    T& emplace_back(Arguments&&... arguments) {
        if (size_ == capacity()) {
            T made{std::forward<Arguments>(arguments)...};  // may be made of an element of this
            move_to(2 * std::size_t{size_});
            return *std::construct_at(data() + size_++, std::move(made));
        }
        return *std::construct_at(data() + size_++, std::forward<Arguments>(arguments)...);
    }
    void assign(std::size_t count, const T& element) {
        clear();
        reserve(count);
        while (size_ < count) push_back(element);
    }
    void pop_back() { std::destroy_at(data() + --size_); }
    void clear() { erase(begin(), end()); }
    T* erase(const T* first, const T* last) {
        T* const to = begin() + (first - begin());
        if (first == last) return to;
        T* const new_end = std::move(begin() + (last - begin()), end(), to);
        std::destroy(new_end, end());
        size_ = static_cast<std::uint32_t>(new_end - begin());
        return to;
    }
    template <std::forward_iterator Iterator>
    void append(Iterator first, Iterator last) {
        const std::size_t count = size_ + static_cast<std::size_t>(std::distance(first, last));
        if (count > capacity()) move_to(std::max(count, 2 * capacity()));
        for (; first != last; ++first) push_back(*first);
    }

private:
    [[nodiscard]] std::size_t capacity() const { return room_ == 0 ? 1 : room_; }

    void move_to(std::size_t count) {
        T* const elements = std::allocator<T>().allocate(count);
        std::uninitialized_move(begin(), end(), elements);
        const std::uint32_t size = size_;
        give_back();
        many_ = elements;
        size_ = size;
        room_ = static_cast<std::uint32_t>(count);
    }

    // Of one that is empty.
    void take(Few* other) noexcept {
        static_assert(std::is_nothrow_move_constructible_v<T>);
        size_ = std::exchange(other->size_, 0);
        room_ = std::exchange(other->room_, 0);
        if (room_ != 0) {
            many_ = other->many_;
        } else if (size_ != 0) {
            std::construct_at(&one_, std::move(other->one_));
            std::destroy_at(&other->one_);
        }
    }

    void give_back() noexcept {
        std::destroy(begin(), end());
        if (room_ != 0) std::allocator<T>().deallocate(many_, room_);
        size_ = room_ = 0;
    }

    std::uint32_t size_ = 0;
    std::uint32_t room_ = 0;  // 0: in place
    union {
        T one_;
        T* many_;
    };
};

}  // namespace dishwall
