// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/import.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/dishctl/import/flatten.h"
#include "control/dishctl/import/nft_text.h"
#include "control/dishctl/import/ruleset.h"
#include "control/dishctl/import/write_rules.h"
#include "control/dishctl/made_names.h"
#include "rules/frontend.h"

namespace dishwall {
namespace {

using import::RuleFile;
using import::RuleLine;

Result<import::ForeignRuleset> read(ImportFormat format, std::string_view text) {
    switch (format) {
        case ImportFormat::ip6tables_save:
            return import::read_ip6tables_save(text);
        case ImportFormat::uci:
            return import::read_uci(text);
        case ImportFormat::nft:
            break;
    }
    if (import::is_nft_json(text)) return import::read_nft_json(text);
    return import::list_nft_text(text).and_then(
        [](const std::string& json) { return import::read_nft_json(json); });
}

Environment nothing_around() {
    return {
        .service_port = [](std::string_view, std::string_view) { return std::optional<std::uint16_t>(); }};
}

// Foreign rule sets may have rules behind others that take all of their packets; a rule file may not.
bool leave_out_unreachable(const Compiled& compiled, const std::vector<const RuleLine*>& places,
                           RuleFile* file, std::vector<ImportRemark>* remarks) {
    bool any = false;
    for (const Diagnostic& one : compiled.diagnostics) {
        if (one.code != Code::never_matches) continue;
        const RuleLine* found = places.at(compiled.sources.place(one.primary.span).line);
        for (auto* chain : {&file->inbound, &file->outbound})
            for (RuleLine& line : *chain) {
                if (&line != found) continue;
                line.left_out = "rules above it take all of its packets";
                if (line.rule != nullptr)
                    remarks->push_back(
                        {ImportRemark::Kind::left_out, line.rule->line, line.rule->text, line.left_out});
                any = true;
            }
    }
    return any;
}

Result<std::string> checked_text(RuleFile file, std::vector<ImportRemark>* remarks) {
    for (;;) {
        std::ranges::stable_sort(*remarks, {}, &ImportRemark::line);
        std::vector<const RuleLine*> places;
        std::string text = text_of(file, *remarks, &places);
        const Compiled compiled = read_policy("imported.conf", text, nothing_around());
        if (compiled.policy) return text;
        if (!leave_out_unreachable(compiled, places, &file, remarks))
            return fail("the rule file that was made is not one; please report this, with the rules:\n{}",
                        render(compiled.diagnostics, compiled.sources, false));
    }
}

}  // namespace

std::optional<ImportFormat> import_format_named(std::string_view name) {
    if (name == "nft") return ImportFormat::nft;
    if (name == "ip6tables-save") return ImportFormat::ip6tables_save;
    if (name == "uci") return ImportFormat::uci;
    return std::nullopt;
}

Result<ImportResult> import_rules(ImportFormat format, std::string_view text, const ImportOptions& options) {
    if (!options.uplink.empty() && interface_word(options.uplink).empty())
        return fail("'{}' is not the name of an interface", options.uplink);
    auto foreign = read(format, text);
    if (!foreign) return tl::unexpected(foreign.error());
    auto flat = import::flatten(*foreign, options.uplink);
    if (!flat) return tl::unexpected(flat.error());
    RuleFile file = write_rules(*flat, foreign->by_zone, options);
    ImportResult result;
    result.remarks = std::move(flat->remarks);
    result.remarks.insert(result.remarks.end(), file.remarks.begin(), file.remarks.end());
    auto rules = checked_text(std::move(file), &result.remarks);
    if (!rules) return tl::unexpected(rules.error());
    result.rules = std::move(*rules);
    return result;
}

std::string remark_text(const ImportRemark& remark) {
    const std::string what = import::as_comment(remark.what);
    return remark.line != 0 ? fmt::format("line {}: {}: {}", remark.line, what, remark.why)
                            : fmt::format("{}: {}", what, remark.why);
}

}  // namespace dishwall
