// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/codes.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr Code kCodes[] = {
#define DW_DIAGNOSTIC_CODE(identifier, number, severity, title) Code::identifier,
    DW_DIAGNOSTICS(DW_DIAGNOSTIC_CODE)
#undef DW_DIAGNOSTIC_CODE
};

json described(Code code) {
    return {{"code", to_string(code)},
            {"severity", severity_of(code) == Severity::error ? "error" : "warning"},
            {"title", title_of(code)}};
}

}  // namespace

std::span<const Code> all_codes() { return kCodes; }

std::string codes_view(const View& view) {
    Table table(view, {{"CODE"}, {"MEANING", Table::Kind::shrinks}});
    for (const Code code : kCodes) table.add({to_string(code), std::string(title_of(code))});
    return table.text();
}

json codes_document() {
    json codes = json::array();
    for (const Code code : kCodes) codes.push_back(described(code));
    return {{"codes", std::move(codes)}};
}

json code_document(Code code, std::string_view page) {
    json one = described(code);
    one["page"] = page;
    return one;
}

}  // namespace dishwall
