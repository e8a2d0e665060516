// SPDX-License-Identifier: BSD-3-Clause
//
// Numbers, times and foreign text as people read them, and fields of a reply that may be missing: dishctl may
// be older or newer than the daemon, and a gap in a table is better than no table.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace dishwall {

// The field as text; "" when it is missing or null.
[[nodiscard]] std::string text_of(const nlohmann::json& object, const char* name);
[[nodiscard]] std::uint64_t number_of(const nlohmann::json& object, const char* name);
[[nodiscard]] bool flag_of(const nlohmann::json& object, const char* name);
[[nodiscard]] const nlohmann::json& part_of(const nlohmann::json& object, const char* name);

[[nodiscard]] std::string bytes_text(std::uint64_t bytes);  // "812 B", "1.2 KiB", "35 MiB"
[[nodiscard]] std::string duration_text(
    std::int64_t seconds);  // "45 s", "4 min 55 s", "2 h 4 min", "3 d 1 h"
// Unix seconds of "2026-11-22T13:05:01.250Z"; the fraction is dropped.
[[nodiscard]] std::optional<std::int64_t> unix_time(const std::string& iso_time);
// Local time of "2026-11-22T13:05:01.250Z"; the text itself when it is no time.
[[nodiscard]] std::string clock_text(const std::string& iso_time);  // "13:05:01.250"
[[nodiscard]] std::string date_text(const std::string& iso_time);   // "2026-11-22 13:05:01"

// Control characters as \xNN: text from rule files and the kernel must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view text);

// A line of a reply that is no table: "line       up".
[[nodiscard]] std::string field(const char* name, const std::string& value);

enum class Color { red, green, yellow, bold };
[[nodiscard]] std::string colored(std::string_view text, Color color, bool enabled);

}  // namespace dishwall
