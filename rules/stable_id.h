// SPDX-License-Identifier: BSD-3-Clause
//
// A number made from a text: the same after every load and restart, so that what is open goes on to mean it.
#pragma once

#include <cstdint>
#include <string_view>

namespace dishwall {

// FNV-1a; never 0.
[[nodiscard]] inline std::uint32_t stable_id(std::string_view text) {
    std::uint32_t hash = 2166136261u;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return hash == 0 ? 1 : hash;
}

// 1..65535.
[[nodiscard]] inline std::uint16_t stable_short_id(std::string_view text) {
    const std::uint32_t hash = stable_id(text);
    const auto folded = static_cast<std::uint16_t>(hash ^ hash >> 16);
    return folded == 0 ? 1 : folded;
}

}  // namespace dishwall
