// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/text.h"

#include <fmt/format.h>

#include <ctime>

namespace dishwall {

using nlohmann::json;

const json& part_of(const json& object, const char* name) {
    static const json kNothing;
    const auto found = object.find(name);
    return found == object.end() ? kNothing : *found;
}

std::string text_of(const json& object, const char* name) {
    const json& part = part_of(object, name);
    if (part.is_null()) return {};
    return part.is_string() ? part.get<std::string>()
                            : part.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::uint64_t number_of(const json& object, const char* name) {
    const json& part = part_of(object, name);
    return part.is_number() ? part.get<std::uint64_t>() : 0;
}

bool flag_of(const json& object, const char* name) { return part_of(object, name) == true; }

std::string bytes_text(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1023.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
    return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                        : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

std::string duration_text(std::int64_t seconds) {
    constexpr std::int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
    const auto two = [seconds](std::int64_t big, const char* big_unit, std::int64_t small,
                               const char* small_unit) {
        const std::int64_t rest = seconds % big / small;
        return rest == 0 ? fmt::format("{} {}", seconds / big, big_unit)
                         : fmt::format("{} {} {} {}", seconds / big, big_unit, rest, small_unit);
    };
    if (seconds < kMinute) return fmt::format("{} s", seconds < 0 ? 0 : seconds);
    if (seconds < kHour) return two(kMinute, "min", 1, "s");
    if (seconds < kDay) return two(kHour, "h", kMinute, "min");
    return two(kDay, "d", kHour, "h");
}

std::optional<std::int64_t> unix_time(const std::string& iso_time) {
    std::tm parts{};
    if (::strptime(iso_time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return std::nullopt;
    return ::timegm(&parts);
}

// The fraction is what strptime leaves: ".250Z".
static std::string local_time(const std::string& iso_time, const char* format, bool with_fraction) {
    std::tm parts{};
    const char* rest = ::strptime(iso_time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) return iso_time;
    const std::time_t seconds = ::timegm(&parts);
    char text[64];
    if (::localtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, format, &parts) == 0)
        return iso_time;
    const std::string_view fraction(rest);
    return text + (with_fraction ? std::string(fraction.substr(0, fraction.find('Z'))) : std::string());
}

std::string clock_text(const std::string& iso_time) { return local_time(iso_time, "%H:%M:%S", true); }

std::string date_text(const std::string& iso_time) {
    return local_time(iso_time, "%Y-%m-%d %H:%M:%S", false);
}

std::string printable(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            safe += fmt::format("\\x{:02x}", byte);
        else
            safe.push_back(c);
    }
    return safe;
}

std::string field(const char* name, const std::string& value) {
    return fmt::format("{:<10} {}\n", name, value);
}

std::string colored(std::string_view text, Color color, bool enabled) {
    constexpr const char* kCodes[] = {"31", "32", "33", "1"};
    if (!enabled) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(color)], text);
}

}  // namespace dishwall
