// SPDX-License-Identifier: BSD-3-Clause
#include "control/policies/start_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace dishwall {
namespace {

void add(std::vector<unsigned>* numbers, unsigned number) {
    if (std::find(numbers->begin(), numbers->end(), number) == numbers->end()) numbers->push_back(number);
}

}  // namespace

Standing reverted(Standing standing) {
    if (!standing.unconfirmed) return standing;
    add(&standing.refused, standing.in_force);
    add(&standing.reverted, standing.in_force);
    standing.in_force = standing.unconfirmed->back_to;
    standing.unconfirmed.reset();
    return standing;
}

StartPlan plan_start(const Standing& standing, const std::string& boot, std::chrono::nanoseconds boottime) {
    if (!standing.unconfirmed) return {0, PolicyBy::start, standing, ""};
    const unsigned back_to = standing.unconfirmed->back_to;
    const Deadline& deadline = standing.unconfirmed->deadline;
    if (deadline.boot != boot)
        return {back_to, PolicyBy::revert, reverted(standing),
                fmt::format("policy {} was not confirmed before the machine booted again: back to policy {}",
                            standing.in_force, back_to)};
    if (boottime >= deadline.at)
        return {back_to, PolicyBy::revert, reverted(standing),
                fmt::format("policy {} was not confirmed in time: back to policy {}", standing.in_force,
                            back_to)};
    const auto left = std::chrono::ceil<std::chrono::seconds>(deadline.at - boottime).count();
    return {standing.in_force, PolicyBy::start, standing,
            fmt::format("policy {} is not confirmed yet: back to policy {} in {} s", standing.in_force,
                        back_to, left)};
}

StartPlan plan_instead_of(const Standing& standing, unsigned refused, const std::string& file) {
    return {
        standing.in_force, PolicyBy::start, standing,
        fmt::format("{} is NOT used: it is still the text of policy {}, which was taken back. Policy {} is "
                    "started in its place; edit the file, or load it with 'dishctl load'",
                    file, refused, standing.in_force)};
}

}  // namespace dishwall
