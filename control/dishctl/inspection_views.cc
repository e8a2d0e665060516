// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/inspection_views.h"

#include <fmt/format.h>

#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;

// Our ends of the pairs, one a worker.
std::string interfaces_text(const json& inspection) {
    std::string text;
    for (const json& worker : part_of(inspection, "workers"))
        text += (text.empty() ? "" : ", ") + text_of(worker, "interface");
    return text;
}

std::string state_text(const json& inspection, const View& view) {
    const std::string state = text_of(inspection, "state");
    if (state == "works") return "dishwall-inspect works, behind " + interfaces_text(inspection);
    if (state == "trouble")
        return colored("NOT possible: " + printable(text_of(inspection, "trouble")), Color::red, view.color);
    const char* is = state == "failed" ? "has failed" : "was not started";
    if (!flag_of(inspection, "wanted"))
        return fmt::format("dishwall-inspect {}; no rule in force needs it", is);
    if (const std::string failed = failed_workers(inspection); !failed.empty())
        return colored(fmt::format("of dishwall-inspect, {}: flows given to it do what their rules' "
                                   "on-failure says",
                                   failed),
                       Color::red, view.color);
    return colored(fmt::format("dishwall-inspect {}: rules that inspect do what their on-failure says", is),
                   Color::red, view.color);
}

// "3 with a wrong checksum, 1 of no flow"; parts that are zero are left out.
struct Part {
    const char* name;
    const char* text;
};
template <std::size_t kParts>
std::string listed(const json& numbers, const Part (&parts)[kParts]) {
    std::string text;
    for (const Part& part : parts)
        if (const std::uint64_t number = number_of(numbers, part.name); number != 0)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number, part.text);
    return text;
}

std::string field_if_any(const char* name, const std::string& text) {
    return text.empty() ? "" : field(name, text);
}

// How the frames are spread; nothing to say of one worker.
std::string workers_text(const json& inspection) {
    const json& workers = part_of(inspection, "workers");
    std::string text;
    for (std::size_t i = 0; workers.size() > 1 && i < workers.size(); ++i)
        text += fmt::format("{}{} given to {}, {} taken", i == 0 ? "" : "; ", number_of(workers[i], "given"),
                            text_of(workers[i], "interface"), number_of(workers[i], "taken"));
    return text;
}

std::string matches_text(const json& inspection) {
    constexpr Part kParts[] = {{"matched", "stopped a packet"}, {"alerted", "only told"}};
    constexpr Part kEnds[] = {{"flows_ended", "flows ended"}, {"bans", "sources refused for a while"}};
    const std::string parts = listed(inspection, kParts), ends = listed(inspection, kEnds);
    return parts + (parts.empty() || ends.empty() ? "" : "; ") + ends;
}

std::string refused_text(const json& inspection) {
    constexpr Part kParts[] = {{"conflicts", "say other bytes than were there before"},
                               {"bad_checksums", "have a wrong checksum"},
                               {"strays", "belong to no inspected flow"}};
    return listed(inspection, kParts);
}

// What did not go its usual way for lack of an inspector, or of room in it.
std::string failures_text(const json& inspection) {
    constexpr Part kPackets[] = {{"around", "packets passed uninspected"}, {"failed", "packets dropped"}};
    constexpr Part kFrames[] = {{"unscannable", "could not be looked into"}};
    const std::string packets = listed(part_of(inspection, "packets"), kPackets),
                      frames = listed(inspection, kFrames);
    return packets + (packets.empty() || frames.empty() ? "" : "; ") + frames;
}

// Of the packets that rules wanted inspected, how many still took the detour.
std::string shares_text(const json& inspection) {
    const json& packets = part_of(inspection, "packets");
    const std::uint64_t clean = number_of(packets, "clean"), given = number_of(packets, "given");
    const std::uint64_t all = clean + given + number_of(packets, "around") + number_of(packets, "failed");
    if (all == 0) return "";
    const auto percent = [all](std::uint64_t some) {
        return 100.0 * static_cast<double>(some) / static_cast<double>(all);
    };
    return fmt::format("{:.1f} % of {} packets, {:.1f} % no longer in {} flows found clean", percent(given),
                       all, percent(clean), number_of(inspection, "flows_clean"));
}

}  // namespace

std::string failed_workers(const json& inspection) {
    const json& workers = part_of(inspection, "workers");
    std::string numbers;
    std::size_t failed = 0;
    for (std::size_t i = 0; i < workers.size(); ++i) {
        if (text_of(workers[i], "state") == "works") continue;
        numbers += fmt::format("{}{}", failed == 0 ? "" : ", ", i);
        ++failed;
    }
    if (failed == 0 || failed == workers.size()) return "";
    return fmt::format("worker{} {} of {} {} failed", failed == 1 ? "" : "s", numbers, workers.size(),
                       failed == 1 ? "has" : "have");
}

std::string how_to_inspect(const json& inspection) {
    const std::string config = text_of(inspection, "config");
    if (!failed_workers(inspection).empty()) return "systemctl restart dishwall-inspect";
    return "systemctl start dishwall-inspect, or dishwall-inspect --config " +
           (config.empty() ? "/run/dishwall/inspect.json" : config);
}

std::string inspection_fields(const json& inspection, const View& view) {
    if (!inspection.is_object()) return "";
    const std::string state = text_of(inspection, "state");
    std::string text = field("inspection", state_text(inspection, view));
    if ((state == "failed" || state == "not started") && flag_of(inspection, "wanted"))
        text += field(failed_workers(inspection).empty() ? "start it" : "restart it",
                      printable(how_to_inspect(inspection)));
    text += field_if_any("inspected", shares_text(inspection));
    if (number_of(inspection, "given") != 0)
        text += field("inspector", fmt::format("{} frames given, {} taken, {} handed back, {} looked through",
                                               number_of(inspection, "given"), number_of(inspection, "taken"),
                                               number_of(inspection, "passed"),
                                               bytes_text(number_of(inspection, "bytes"))));
    text += field_if_any("workers", workers_text(inspection));
    text += field_if_any("matches", matches_text(inspection));
    text += field_if_any("refused", refused_text(inspection));
    return text + field_if_any("failures", failures_text(inspection));
}

}  // namespace dishwall
