// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::array kStatuses = {AuditStatus::met, AuditStatus::met_by_option, AuditStatus::not_applicable,
                                  AuditStatus::not_met};

std::ptrdiff_t count_of(std::span<const Recommendation> table, AuditStatus status) {
    return std::ranges::count(table, status, &Recommendation::status);
}

Color color_of(AuditStatus status) {
    switch (status) {
        case AuditStatus::met:
            return Color::green;
        case AuditStatus::met_by_option:
        case AuditStatus::not_applicable:
            return Color::yellow;
        case AuditStatus::not_met:
            break;
    }
    return Color::red;
}

}  // namespace

std::string to_string(AuditStatus status) {
    switch (status) {
        case AuditStatus::met:
            return "met";
        case AuditStatus::met_by_option:
            return "met by option";
        case AuditStatus::not_applicable:
            return "not applicable";
        case AuditStatus::not_met:
            break;
    }
    return "not met";
}

// Names of tests are sentences: under the recommendation, not beside it, there is room for them.
std::string audit_view(std::span<const Recommendation> table, const View& view) {
    constexpr std::size_t kStatusWidth = 14;
    std::string text;
    for (const Recommendation& each : table) {
        const std::string status = to_string(each.status);
        text += fmt::format("REC-{:<2}  {}{:{}}  {}\n", each.number,
                            colored(status, color_of(each.status), view.color), "",
                            kStatusWidth - status.size(), each.title);
        if (*each.reason != '\0') text += fmt::format("        because {}\n", each.reason);
        for (const char* test : each.tests) text += fmt::format("        {}\n", test);
    }
    std::string sum;
    for (const AuditStatus status : kStatuses)
        sum += fmt::format("{}{} {}", sum.empty() ? "" : ", ", count_of(table, status), to_string(status));
    return text + "\nRFC 6092: " + sum + "\n";
}

json audit_document(std::span<const Recommendation> table) {
    json recommendations = json::array();
    for (const Recommendation& each : table) {
        json one{{"number", each.number}, {"title", each.title}, {"status", to_string(each.status)}};
        if (*each.reason != '\0') one["reason"] = each.reason;
        one["tests"] = json::array();
        for (const char* test : each.tests) one["tests"].push_back(test);
        recommendations.push_back(std::move(one));
    }
    json summary;
    for (const AuditStatus status : kStatuses) summary[to_string(status)] = count_of(table, status);
    return {{"document", "RFC 6092"},
            {"recommendations", std::move(recommendations)},
            {"summary", std::move(summary)}};
}

}  // namespace dishwall
