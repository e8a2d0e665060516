// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/doctor.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;

const char* name_of(Health health) {
    switch (health) {
        case Health::ok:
            return "ok";
        case Health::warning:
            return "warning";
        case Health::failed:
            break;
    }
    return "failed";
}

Color color_of(Health health) {
    switch (health) {
        case Health::ok:
            return Color::green;
        case Health::warning:
            return Color::yellow;
        case Health::failed:
            break;
    }
    return Color::red;
}

std::ptrdiff_t count_of(const std::vector<Examined>& all, Health health) {
    return std::ranges::count(all, health, [](const Examined& one) { return one.finding.health; });
}

}  // namespace

std::vector<Examined> examine(const MachineFacts& machine) {
    std::vector<Examined> all;
    for (const DoctorCheck& check : doctor_checks())
        if (auto finding = check.judge(machine)) all.push_back({check.name, std::move(*finding)});
    return all;
}

bool is_healthy(const std::vector<Examined>& all) { return count_of(all, Health::failed) == 0; }

// What to do stands under its line: sentences and commands need the room.
std::string doctor_view(const std::vector<Examined>& all, const View& view) {
    constexpr std::size_t kResultWidth = 7;
    std::string text;
    for (const Examined& one : all) {
        const std::string result = name_of(one.finding.health);
        text += fmt::format("{}{:{}}  {:<10} {}\n", colored(result, color_of(one.finding.health), view.color),
                            "", kResultWidth - result.size(), one.name, printable(one.finding.text));
        if (!one.finding.todo.empty())
            text += fmt::format("{:9}{:10} -> {}\n", "", "", printable(one.finding.todo));
    }
    return text + fmt::format("\n{} ok, {} warning{}, {} failed\n", count_of(all, Health::ok),
                              count_of(all, Health::warning), count_of(all, Health::warning) == 1 ? "" : "s",
                              count_of(all, Health::failed));
}

json doctor_document(const std::vector<Examined>& all) {
    json checks = json::array();
    for (const Examined& one : all)
        checks.push_back({{"name", one.name},
                          {"result", name_of(one.finding.health)},
                          {"text", one.finding.text},
                          {"todo", one.finding.todo.empty() ? json(nullptr) : json(one.finding.todo)}});
    return {{"healthy", is_healthy(all)}, {"checks", std::move(checks)}};
}

}  // namespace dishwall
