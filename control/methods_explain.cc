// SPDX-License-Identifier: BSD-3-Clause
//
// Explain: what would happen to a packet, or to the frames of a capture, asked of the programs and of the
// evaluator. Shadow: what would happen to the traffic of the next minute under another rule file.
#include <spdlog/spdlog.h>

#include <optional>

#include "control/methods_parts.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::size_t kFramesMost = 256;

CallResult explain(Daemon& daemon, const json& parameters) {
    if (!parameters.contains("packet") || !parameters["packet"].is_string())
        return call_error("BadInput", "'packet' is missing");
    const Result<PacketSpec> packet = parse_packet(parameters["packet"].get<std::string>());
    if (!packet) return call_error("BadInput", packet.error().message);
    const Result<const Explainer*> explainer = daemon.explainer();
    if (!explainer) return call_error("Failed", explainer.error().message);
    Result<Explanation> explanation = (*explainer)->explain(*packet, daemon.in_force());
    if (!explanation) return call_error("Failed", explanation.error().message);
    if (!explanation->agree)
        spdlog::error("explain: program and evaluator DISAGREE, please report this: {}",
                      explanation->reply.dump());
    return std::move(explanation->reply);
}

// ---- frames

int digit_of(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    return -1;
}

std::optional<std::vector<std::uint8_t>> bytes_of(const json& hex) {
    if (!hex.is_string()) return std::nullopt;
    const auto& text = hex.get_ref<const std::string&>();
    if (text.size() % 2 != 0) return std::nullopt;
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = digit_of(text[i]), low = digit_of(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    return bytes;
}

CallResult explain_frames(Daemon& daemon, const json& parameters) {
    const json direction = parameters.value("direction", json()), frames = parameters.value("frames", json());
    if (direction != "in" && direction != "out")
        return call_error("BadInput", "'direction' has to be \"in\" or \"out\"");
    if (!frames.is_array() || frames.size() > kFramesMost)
        return call_error("BadInput", fmt::format("'frames' has to be at most {} frames", kFramesMost));
    const Result<const Explainer*> explainer = daemon.explainer();
    if (!explainer) return call_error("Failed", explainer.error().message);
    const Direction way = direction == "in" ? Direction::inbound : Direction::outbound;
    json results = json::array();
    for (const json& frame : frames) {
        auto bytes = bytes_of(frame);
        if (!bytes)
            return call_error("BadInput", "a frame has to be its bytes as lower-case hexadecimal digits");
        Result<json> result = (*explainer)->judge_frame(std::move(*bytes), way, daemon.in_force());
        if (!result) return call_error("Failed", result.error().message);
        results.push_back(std::move(*result));
    }
    return json{{"results", std::move(results)}};
}

// ---- shadow

CallResult shadow_start(Daemon& daemon, const Caller& caller, const json& parameters) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    const json config = parameters.value("config", json());
    if (!config.is_string() || !config.get_ref<const std::string&>().starts_with('/'))
        return call_error("BadInput", "'config' has to be an absolute path");
    if (daemon.shadow().is_running())
        return call_error("Refused",
                          "another shadow runs: there is one at a time, and it ends 10 s after nobody "
                          "asks for it any more");
    const auto id = daemon.shadow().start(config.get<std::string>());
    if (!id)
        return call_error(id.error().diagnostics.empty() ? "Failed" : "BadInput", id.error().message,
                          id.error().diagnostics);
    return json{{"id", *id}};
}

CallResult shadow_report(Daemon& daemon, const Caller& caller, const json& parameters, bool is_last) {
    if (auto allowed = check_may_change(caller); !allowed) return tl::unexpected(allowed.error());
    const json id = parameters.value("id", json());
    if (!id.is_number_unsigned()) return call_error("BadInput", "'id' has to be what ShadowStart replied");
    const bool with_flows = is_last || parameters.value("flows", json(true)) != false;
    json report = daemon.shadow().report(id.get<std::uint64_t>(), with_flows);
    if (report.is_null()) return call_error("NotFound", "this shadow does not run any more");
    if (is_last) daemon.shadow().end();
    return report;
}

}  // namespace

void add_explain_methods(const AddMethod& add, Daemon* daemon) {
    add("Explain", [=](const Caller&, const json& parameters) { return explain(*daemon, parameters); });
    add("ExplainFrames",
        [=](const Caller&, const json& parameters) { return explain_frames(*daemon, parameters); });
    add("ShadowStart", [=](const Caller& caller, const json& parameters) {
        return shadow_start(*daemon, caller, parameters);
    });
    add("ShadowReport", [=](const Caller& caller, const json& parameters) {
        return shadow_report(*daemon, caller, parameters, false);
    });
    add("ShadowStop", [=](const Caller& caller, const json& parameters) {
        return shadow_report(*daemon, caller, parameters, true);
    });
}

}  // namespace dishwall
