// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/check.h"

#include "control/config_file.h"
#include "control/dishctl/text.h"
#include "rules/lower.h"

namespace dishwall {
namespace {

// Any distinct numbers will do: nothing is counted here.
CounterOf numbered() {
    return [next = std::uint32_t{DW_REASONS_MAX}](const Rule&) mutable {
        return next + 1 < DW_COUNTERS ? next++ : next;
    };
}

std::string rules_text(std::size_t count, const char* chain) {
    return fmt::format("{} {} rule{}", count, chain, count == 1 ? "" : "s");
}

}  // namespace

CheckReport check_rule_file(const std::string& path) {
    CheckReport report;
    const auto config = load_config(path);
    if (!config) {
        report.readable = !config.error().diagnostics.empty();
        report.message = config.error().message;
        report.diagnostics = config.error().diagnostics;
        return report;
    }
    report.diagnostics = config->warnings;
    const auto image = lower(config->policy, numbered());
    if (!image) {
        report.message = fmt::format("{}: {}", path, image.error().message);
        return report;
    }
    report.good = true;
    report.inbound = config->policy.inbound.rules.size();
    report.outbound = config->policy.outbound.rules.size();
    report.networks = config->policy.networks.size();
    report.image_bytes = image->size();
    report.message = fmt::format(
        "{} is good: {}, {}, {} network{}, image {} of {}", path, rules_text(report.inbound, "inbound"),
        rules_text(report.outbound, "outbound"), report.networks, report.networks == 1 ? "" : "s",
        bytes_text(report.image_bytes), bytes_text(DW_IMAGE_SIZE));
    return report;
}

}  // namespace dishwall
