// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/shadow_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <thread>

#include "control/dishctl/ask.h"
#include "control/dishctl/flow_views.h"
#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kAskEvery{1};  // the daemon gives up after 10 s

std::string who_decides(const json& difference, const char* name) {
    const std::string rule = text_of(difference, name);
    return rule.empty() ? "(default)" : printable(rule);
}

std::string differences_table(const json& differences, const View& view) {
    Table table(view, {{"PACKETS", Table::Kind::right},
                       {"NOW"},
                       {"BY RULE", Table::Kind::shrinks},
                       {"THEN"},
                       {"BY RULE", Table::Kind::shrinks},
                       {"FOR EXAMPLE", Table::Kind::shrinks}});
    const auto verdict_cell = [](const std::string& verdict) {
        return Table::Cell(verdict, verdict == "accept" ? "green" : "red");
    };
    for (const json& one : differences)
        table.add({text_of(one, "packets"), verdict_cell(text_of(one, "verdict_now")),
                   who_decides(one, "rule_now"), verdict_cell(text_of(one, "verdict_then")),
                   who_decides(one, "rule_then"), printable(text_of(one, "example"))});
    return table.text();
}

// On a terminal one line that is written again and again.
void show_progress(const Invocation& invocation, const json& report, std::chrono::seconds left) {
    if (invocation.view.width == 0) return;
    std::uint64_t packets = 0;
    for (const json& one : part_of(report, "differences")) packets += number_of(one, "packets");
    *invocation.err << fmt::format("\r{} packets judged, {} of them otherwise; {} s left ",
                                   number_of(report, "judged"), packets, left.count())
                    << std::flush;
}

void clear_progress(const Invocation& invocation) {
    if (invocation.view.width != 0) *invocation.err << "\r\x1b[K" << std::flush;
}

// Until the time is over or the daemon has ended it.
tl::expected<void, CallFailure> watch(const Invocation& invocation, IpcClient* client, const json& id,
                                      std::chrono::seconds length) {
    const auto end = Clock::now() + length;
    while (Clock::now() < end) {
        std::this_thread::sleep_until(std::min(end, Clock::now() + kAskEvery));
        const auto report = client->call("org.dishwall.ShadowReport", {{"id", id}, {"flows", false}});
        if (!report) return tl::unexpected(report.error());
        const auto left =
            std::chrono::ceil<std::chrono::seconds>(std::max(end - Clock::now(), Clock::duration()));
        show_progress(invocation, *report, left);
    }
    return {};
}

}  // namespace

std::string shadow_view(const json& report, const View& view) {
    const json& differences = part_of(report, "differences");
    const json& flows = part_of(report, "flows");
    std::string text = fmt::format("{} packets judged in {}", number_of(report, "judged"),
                                   duration_text(static_cast<std::int64_t>(number_of(report, "seconds"))));
    if (const std::uint64_t missed = number_of(report, "missed"); missed > 0)
        text += fmt::format(", {} missed: too many at once", missed);
    text += "\n";
    if (differences.empty())
        text += "none of them would have another verdict\n";
    else
        text += "\n" + differences_table(differences, view);
    if (const std::uint64_t unlisted = number_of(report, "unlisted"); unlisted > 0)
        text += fmt::format("and {} packets with other pairs of rules\n", unlisted);
    if (const std::uint64_t unchecked = number_of(report, "flows_unchecked"); unchecked > 0)
        text += fmt::format("{} open flows were not looked at: there are too many\n", unchecked);
    if (flows.empty()) return text + "no open flow would end\n";
    const std::uint64_t total = std::max<std::uint64_t>(number_of(report, "flows_total"), flows.size());
    text += fmt::format("\nopen flows that would end: {}{}\n\n", total,
                        total > flows.size() ? fmt::format(", of which {} are shown", flows.size()) : "");
    return text + flow_table(flows, view);
}

tl::expected<ExitCode, CallFailure> shadow_run(const Invocation& invocation, const std::string& file,
                                               std::chrono::seconds length) {
    auto client = IpcClient::connect(socket_of(invocation));
    if (!client) return tl::unexpected(client.error());
    const auto started = client->call("org.dishwall.ShadowStart", {{"config", file}});
    if (!started) return tl::unexpected(started.error());
    const json& id = part_of(*started, "id");
    const auto watched = watch(invocation, &*client, id, length);
    clear_progress(invocation);
    if (!watched) return tl::unexpected(watched.error());
    const auto report = client->call("org.dishwall.ShadowStop", {{"id", id}});
    if (!report) return tl::unexpected(report.error());
    *invocation.out << (invocation.as_json ? document(*report) : shadow_view(*report, invocation.view));
    return kOk;
}

}  // namespace dishwall
