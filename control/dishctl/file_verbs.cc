// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/file_verbs.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <filesystem>

#include "control/dishctl/ask.h"
#include "control/dishctl/check.h"
#include "control/dishctl/codes.h"
#include "control/dishctl/import/import.h"
#include "control/dishctl/init/first_rule_file.h"
#include "control/dishctl/rewrite.h"
#include "control/dishctl/text.h"
#include "rules/literal.h"
#include "rules/pages.h"

namespace dishwall {
namespace {

using nlohmann::json;

// ---- check

void show_check(const Invocation& invocation, const CheckReport& report) {
    *invocation.err << report.diagnostics << (report.diagnostics.empty() ? "" : "\n");
    if (report.good)
        *invocation.out << check_view(report);
    else
        *invocation.err << "dishctl: " << printable(report.message) << "\n";
}

// ---- import

// `lan` or `br-lan` and the number of its /64: "br-lan=0x10".
Result<ImportNetwork> network_in(const std::string& word) {
    const std::size_t equals = word.rfind('=');
    const auto subnet = equals == std::string::npos ? std::nullopt : parse_number(word.substr(equals + 1));
    if (equals == 0 || !subnet || *subnet > 0xffff)
        return fail("--network: '{}' has to be an interface and the number of its /64, as in br-lan=0x1",
                    word);
    return ImportNetwork{word.substr(0, equals), static_cast<std::uint16_t>(*subnet)};
}

const char* kind_name(ImportRemark::Kind kind) {
    switch (kind) {
        case ImportRemark::Kind::left_out:
            return "left out";
        case ImportRemark::Kind::built_in:
            return "built in";
        case ImportRemark::Kind::check:
            return "check";
    }
    return "";
}

json import_document(const ImportResult& result) {
    json remarks = json::array();
    for (const ImportRemark& remark : result.remarks)
        remarks.push_back({{"kind", kind_name(remark.kind)},
                           {"line", remark.line == 0 ? json(nullptr) : json(remark.line)},
                           {"what", remark.what},
                           {"why", remark.why}});
    return {{"rules", result.rules}, {"remarks", std::move(remarks)}};
}

// The rule file is what can be piped on; what has to be known of it goes beside it.
void show_import(const Invocation& invocation, const ImportResult& result) {
    *invocation.out << result.rules;
    for (const ImportRemark& remark : result.remarks)
        *invocation.err << printable(fmt::format("{}: {}", kind_name(remark.kind), remark_text(remark)))
                        << "\n";
    const auto left_out =
        std::ranges::count(result.remarks, ImportRemark::Kind::left_out, &ImportRemark::kind);
    *invocation.err << (left_out == 0
                            ? std::string("dishctl: everything was carried over")
                            : fmt::format("dishctl: {} of the original is NOT carried over", left_out))
                    << "; read the file before you load it\n";
}

Result<ImportOptions> import_options(const Invocation& invocation, const std::string& source) {
    ImportOptions options;
    options.uplink = invocation.uplink;
    options.source = source;
    for (const std::string& word : invocation.networks) {
        Result<ImportNetwork> network = network_in(word);
        if (!network) return tl::unexpected(network.error());
        options.networks.push_back(std::move(*network));
    }
    return options;
}

}  // namespace

int run_check(const Invocation& invocation) {
    std::vector<CheckReport> reports;
    for (const std::string& file : invocation.words) reports.push_back(check_rule_file(file));
    if (invocation.as_json)
        *invocation.out << document(check_document(reports));
    else
        for (const CheckReport& report : reports) show_check(invocation, report);
    if (!std::ranges::all_of(reports, &CheckReport::readable)) return kFailed;
    return std::ranges::all_of(reports, &CheckReport::good) ? kOk : kCheckFailed;
}

int run_fmt(const Invocation& invocation) {
    if (invocation.check && invocation.write)
        return report(invocation, "--check and --write exclude each other", kUsage);
    const FmtMode mode = invocation.check   ? FmtMode::check
                         : invocation.write ? FmtMode::write
                                            : FmtMode::print;
    int code = kOk;
    json files = json::array();
    for (const std::string& file : invocation.words) {
        const Rewritten done = rewrite_rule_file(file, mode);
        code = std::max(code, static_cast<int>(done.code));
        if (invocation.as_json) {
            files.push_back(done.document);
            continue;
        }
        *invocation.out << done.out;
        *invocation.err << done.err;
    }
    if (invocation.as_json) *invocation.out << document({{"files", std::move(files)}});
    return code;
}

int run_explain_error(const Invocation& invocation) {
    if (invocation.words.empty()) {
        *invocation.out << (invocation.as_json ? document(codes_document()) : codes_view(invocation.view));
        return kOk;
    }
    const std::string& name = invocation.words.front();
    const auto code = code_named(name);
    if (!code)
        return report(invocation,
                      fmt::format("no error is called {}; 'dishctl explain-error' lists them all", name),
                      kUsage);
    const std::string page(page_of(*code));
    *invocation.out << (invocation.as_json ? document(code_document(*code, page)) : page);
    return kOk;
}

int run_import(const Invocation& invocation) {
    const auto format = import_format_named(invocation.words[0]);
    if (!format)
        return report(invocation,
                      fmt::format("'{}' cannot be imported; say nft, ip6tables-save or uci, then the file",
                                  invocation.words[0]),
                      kUsage);
    const std::string& file = invocation.words[1];
    const Result<ImportOptions> options = import_options(invocation, file);
    if (!options) return report(invocation, options.error().message, kUsage);
    const Result<std::string> text = read_whole(file);
    if (!text) return report(invocation, text.error().message, kFailed);
    const Result<ImportResult> result = import_rules(*format, *text, *options);
    if (!result) return report(invocation, fmt::format("{}: {}", file, result.error().message), kFailed);
    if (invocation.as_json)
        *invocation.out << document(import_document(*result));
    else
        show_import(invocation, *result);
    return kOk;
}

int run_init(const Invocation& invocation) {
    const MachineView machine = read_machine_view();
    const std::string rules = first_rule_file(machine);
    for (const std::string& trouble : machine.troubles)
        *invocation.err << "dishctl: " << printable(trouble) << "\n";
    if (invocation.as_json) {
        *invocation.out << document({{"rules", rules}, {"troubles", machine.troubles}});
        return kOk;
    }
    if (invocation.words.empty()) {
        *invocation.out << rules;
        return kOk;
    }
    const std::string& file = invocation.words.front();
    std::error_code error;
    if (!invocation.force && std::filesystem::exists(std::filesystem::symlink_status(file, error)))
        return report(invocation, fmt::format("{} is there already; --force replaces it", file), kRefused);
    if (Result<void> written = rewrite_file(file, rules); !written)
        return report(invocation, written.error().message, kFailed);
    fmt::print(*invocation.out,
               "{} is written; read it, then:\n  dishctl check {}\n  dishctl load {} --confirm 2m\n", file,
               file, file);
    return kOk;
}

}  // namespace dishwall
