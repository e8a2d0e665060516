// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/cost_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "control/dishctl/text.h"

namespace dishwall {
namespace {

std::string counted(std::uint64_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string accesses(std::uint64_t count) {
    return fmt::format("{} memory access{}", count, count == 1 ? "" : "es");
}

std::string other_lines(const nlohmann::json& chain) {
    const std::uint64_t lines = number_of(chain, "rule_lines"), tuples = number_of(chain, "tuples");
    if (lines == 0) return {};
    return fmt::format(", {} {}", counted(lines, "other line"),
                       tuples == 0 ? "walked one by one" : "in " + counted(tuples, "tuple"));
}

}  // namespace

std::string cost_text(const nlohmann::json& chain) {
    return fmt::format("{}{}; at worst {} in a row, {} compared",
                       counted(number_of(chain, "services"), "service"), other_lines(chain),
                       accesses(number_of(chain, "worst_accesses")),
                       counted(number_of(chain, "worst_rules"), "rule"));
}

}  // namespace dishwall
