// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/config_file.h"
#include "control/counter_registry.h"
#include "control/dishctl/cost_text.h"
#include "control/dishctl/text.h"
#include "control/image_json.h"
#include "rules/lower.h"

namespace dishwall {
namespace {

using nlohmann::json;

// Any distinct numbers will do: nothing is counted here.
CounterOf numbered() {
    return [next = std::uint32_t{DW_REASONS_MAX}](const Rule&) mutable {
        return next + 1 < DW_COUNTERS ? next++ : next;
    };
}

std::string counted(std::size_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// A protect block is one claim, however many lines it has; blocks may stand in several files.
void add_protects(const Policy& policy, std::vector<ProvenClaim>* claims) {
    for (const Protected& line : policy.protects) {
        const auto known = std::ranges::find_if(*claims, [&](const ProvenClaim& one) {
            return one.kind == ProvenClaim::Kind::protect && one.name == line.name;
        });
        if (known == claims->end())
            claims->push_back({ProvenClaim::Kind::protect, line.name, 1, to_string(line.place)});
        else
            ++known->statements;
    }
}

std::vector<ProvenClaim> claims_of(const Policy& policy) {
    std::vector<ProvenClaim> claims;
    add_protects(policy, &claims);
    for (const PolicyTest& test : policy.tests)
        claims.push_back(
            {ProvenClaim::Kind::test, test.name, test.expectations.size(), to_string(test.place)});
    return claims;
}

std::string summary_of(const CheckReport& report) {
    return fmt::format("{} is good: {}, {}, {}, image {} of {}", report.file,
                       counted(report.inbound, "inbound rule"), counted(report.outbound, "outbound rule"),
                       counted(report.networks, "network"), bytes_text(report.cost.bytes),
                       bytes_text(DW_IMAGE_SIZE));
}

}  // namespace

CheckReport check_rule_file(const std::string& path) {
    CheckReport report;
    report.file = path;
    const auto config = load_config(path);
    if (!config) {
        report.readable = !config.error().diagnostics.empty();
        report.message = config.error().message;
        report.diagnostics = config.error().diagnostics;
        return report;
    }
    report.diagnostics = config->warnings;
    const auto compiled = lower(config->policy, numbered());
    if (!compiled) {
        report.message = fmt::format("{}: {}", path, compiled.error().message);
        return report;
    }
    report.good = true;
    report.claims = claims_of(config->policy);
    report.inbound = config->policy.inbound.rules.size();
    report.outbound = config->policy.outbound.rules.size();
    report.networks = config->policy.networks.size();
    report.cost = compiled->facts;
    report.message = summary_of(report);
    return report;
}

std::string check_view(const CheckReport& report) {
    const json cost = image_json(report.cost);
    std::string text = printable(report.message) + "\n";
    for (const char* chain : {"inbound", "outbound"})
        text += fmt::format("  {}: {}\n", chain, cost_text(cost[chain]));
    for (const ProvenClaim& claim : report.claims) {
        const bool protects = claim.kind == ProvenClaim::Kind::protect;
        const std::string what = protects ? "protect " + claim.name : fmt::format("test \"{}\"", claim.name);
        text +=
            fmt::format("  proven: {}, {} ({})\n", printable(what),
                        counted(claim.statements, protects ? "line" : "expectation"), printable(claim.place));
    }
    return text;
}

json check_document(const std::vector<CheckReport>& reports) {
    json files = json::array();
    for (const CheckReport& report : reports) {
        json claims = json::array();
        for (const ProvenClaim& claim : report.claims)
            claims.push_back({{"kind", claim.kind == ProvenClaim::Kind::protect ? "protect" : "test"},
                              {"name", claim.name},
                              {"statements", claim.statements},
                              {"place", claim.place}});
        files.push_back({{"file", report.file},
                         {"good", report.good},
                         {"message", report.message},
                         {"diagnostics", report.diagnostics},
                         {"proven", std::move(claims)},
                         {"rules", {{"inbound", report.inbound}, {"outbound", report.outbound}}},
                         {"networks", report.networks},
                         {"image", report.good ? image_json(report.cost) : json(nullptr)}});
    }
    return {{"good", std::ranges::all_of(reports, &CheckReport::good)}, {"files", std::move(files)}};
}

}  // namespace dishwall
