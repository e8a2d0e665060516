// SPDX-License-Identifier: BSD-3-Clause
//
// What dishwall does of RFC 6092, "Recommended Simple Security Capabilities in Customer Premises Equipment".
// The table is made from the tests when dishctl is built (generate_audit.py): "met" means that a test names
// the recommendation, and nobody can claim it otherwise.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "control/dishctl/table.h"

namespace dishwall {

enum class AuditStatus { met, met_by_option, not_applicable, not_met };

struct Recommendation {
    unsigned number;
    const char* title;  // in our words
    AuditStatus status;
    const char* reason;                  // why it does not apply; "" when it does
    std::span<const char* const> tests;  // that show it
};

[[nodiscard]] std::span<const Recommendation> rfc6092();

[[nodiscard]] std::string to_string(AuditStatus status);  // "met by option"
[[nodiscard]] std::string audit_view(std::span<const Recommendation> table, const View& view);
// {document, recommendations: [{number, title, status, reason?, tests: [name]}], summary: {status: count}}
[[nodiscard]] nlohmann::json audit_document(std::span<const Recommendation> table);

}  // namespace dishwall
