// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspection/inspector_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "rules/signatures.h"

namespace dishwall {
namespace {

using Json = nlohmann::json;

std::string mac_text(const MacAddress& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

Json signatures_json(const Signatures& one) {
    return {{"id", one.id},
            {"name", one.name},
            {"file", one.path},
            {"text", *one.text},
            {"on_match", name_of(one.on_match)},
            {"ban_s", one.ban_s},
            {"both_directions", one.both_directions},
            {"clean_after", one.clean_after}};
}

}  // namespace

std::string inspector_config(const Policy& policy, std::uint32_t generation, const InspectionPaths& paths,
                             const std::optional<InspectorUplink>& uplink,
                             const std::vector<InspectorPort>& ports) {
    Json config{{"version", 1},
                {"generation", generation},
                {"pins", paths.pin_dir},
                {"cache", paths.cache()},
                {"events", paths.events()},
                {"uplink", {{"interface", ""}}},
                {"workers", Json::array()},
                {"signatures", Json::array()}};
    if (uplink) {
        config["armed_at"] = uplink->armed_at;
        config["uplink"] = {{"interface", uplink->interface}, {"mac", mac_text(uplink->mac)}};
    }
    for (const InspectorPort& port : ports)
        config["workers"].push_back(
            {{"interface", port.pair.theirs}, {"ours", port.pair.ours}, {"mac", mac_text(port.mac)}});
    for (const Signatures& one : policy.signatures) config["signatures"].push_back(signatures_json(one));
    return config.dump(-1, ' ', false,
                       Json::error_handler_t::replace);  // paths may be anything; signatures are UTF-8
}

}  // namespace dishwall
