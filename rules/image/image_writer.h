// SPDX-License-Identifier: BSD-3-Clause
//
// The image as lines: first every table is given its place, front to back, then there is memory of the right
// size, then the tables are written into it. What does not fit is said with the table that takes the most
// room.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "bpf/core/image_layout.h"
#include "rules/result.h"

namespace dishwall {

// Whose room it is, for the message when there is not enough.
enum class Room { services, rules, tuples, addresses, other };

class ImageWriter {
public:
    // Whole lines for `count` elements of `size` bytes. The span says where, and how many elements.
    dw_span reserve(Room room, std::size_t count, std::size_t size) {
        const std::uint64_t lines = (std::uint64_t{count} * size + DW_LINE - 1) / DW_LINE;
        const dw_span span{static_cast<std::uint32_t>(lines_), static_cast<std::uint32_t>(count)};
        lines_ += lines;
        lines_of_[static_cast<std::size_t>(room)] += lines;
        return span;
    }
    template <typename T>
    dw_span reserve(Room room, const std::vector<T>& values) {
        return reserve(room, values.size(), sizeof(T));
    }

    // Behind the last reservation, before the first write.
    [[nodiscard]] Result<void> begin() {
        if (lines_ > DW_IMAGE_LINES) return fail("{}", too_big());
        image_.resize(lines_ * DW_LINE);
        return {};
    }

    template <typename T>
    void put(std::uint32_t line, const std::vector<T>& values) {
        if (!values.empty()) std::memcpy(at(line), values.data(), values.size() * sizeof(T));
    }
    template <typename T>
    void put(std::uint32_t line, const T& value) {
        std::memcpy(at(line), &value, sizeof value);
    }
    [[nodiscard]] std::byte* at(std::uint32_t line) { return image_.data() + std::size_t{line} * DW_LINE; }

    [[nodiscard]] std::uint32_t lines() const { return static_cast<std::uint32_t>(lines_); }
    [[nodiscard]] std::size_t bytes(Room room) const {
        return lines_of_[static_cast<std::size_t>(room)] * DW_LINE;
    }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(image_); }

private:
    static constexpr std::size_t kRooms = 5;

    [[nodiscard]] std::string too_big() const;

    std::uint64_t lines_ = 0;
    std::array<std::uint64_t, kRooms> lines_of_{};
    std::vector<std::byte> image_;
};

}  // namespace dishwall
