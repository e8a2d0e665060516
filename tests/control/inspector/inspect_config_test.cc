// SPDX-License-Identifier: BSD-3-Clause
//
// RUN_DIR/inspect.json: what is taken, and how what is refused is named.
#include "control/inspector/inspect_config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dishwall {
namespace {

using Json = nlohmann::json;

Json full() {
    return Json::parse(R"({
        "version": 1, "generation": 12, "armed_at": 1790000000000000001, "pins": "/sys/fs/bpf/dishwall", "cache": "/var/lib/dishwall/signatures",
        "events": "/run/dishwall/inspect.events", "uplink": {"interface": "eth0", "mac": "02:00:00:0a:Bc:ff"},
        "workers": [{"interface": "dwx0-eth0", "ours": "dwi0-eth0", "mac": "02:00:00:00:00:01"}],
        "signatures": [{"id": 4711, "name": "exploits", "file": "/etc/dishwall/sig/web.hs", "text": "1:/a/\n",
                        "on_match": "reject", "ban_s": 600, "both_directions": true, "clean_after": 1048576}]})");
}

std::string refusal(const Json& json) {
    const Result<InspectConfig> config = parse_inspect_config(json.dump());
    return config ? "taken" : config.error().message;
}

TEST(InspectConfig, HasAllThatTheFileSays) {
    const Result<InspectConfig> config = parse_inspect_config(full().dump());
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->generation, 12u);
    EXPECT_EQ(config->armed_at, 1790000000000000001u);
    EXPECT_EQ(config->pins, "/sys/fs/bpf/dishwall");
    EXPECT_EQ(config->cache, "/var/lib/dishwall/signatures");
    EXPECT_EQ(config->events, "/run/dishwall/inspect.events");
    EXPECT_EQ(config->uplink, "eth0");
    EXPECT_EQ(config->uplink_mac, (std::array<std::uint8_t, 6>{2, 0, 0, 10, 0xbc, 0xff}));
    ASSERT_EQ(config->workers.size(), 1u);
    EXPECT_EQ(config->workers[0].interface, "dwx0-eth0");
    const InspectConfig::SignatureFile expected{
        4711, "exploits", "/etc/dishwall/sig/web.hs", "1:/a/\n", Signatures::OnMatch::reject, 600,
        true, 1048576};
    ASSERT_EQ(config->signatures.size(), 1u);
    EXPECT_EQ(config->signatures[0], expected);
}

TEST(InspectConfig, MayNameNoWorkersAndNoSignatures) {
    Json json = full();
    json.erase("armed_at");
    json["uplink"] = {{"interface", ""}};
    json["workers"] = Json::array();
    json["signatures"] = Json::array();
    EXPECT_EQ(refusal(json), "taken");
}

TEST(InspectConfig, IsRefusedByTheNameOfTheFirstWrongWord) {
    const struct {
        const char* where;  // JSON pointer
        Json becomes;       // null: the word is not there
        const char* error;
    } cases[] = {
        {"/version", 2,
         "it is of version 2, this dishwall-inspect reads version 1: install both from one build"},
        {"/version", nullptr, "version is not a number from 1 to 18446744073709551615"},
        {"/generation", -1, "generation is not a number from 0 to 18446744073709551615"},
        {"/armed_at", "now", "armed_at is not a number from 0 to 18446744073709551615"},
        {"/pins", nullptr, "pins is not a text"},
        {"/cache", 5, "cache is not a text"},
        {"/uplink", Json::array(), "uplink is not an object"},
        {"/uplink", nullptr, "uplink is not an object"},
        {"/uplink/mac", "02:00:00:00:00", "uplink.mac is not a MAC address"},
        {"/uplink/mac", "02:00:00:00:00:0g", "uplink.mac is not a MAC address"},
        {"/workers", nullptr, "workers is not a list of at most 8"},
        {"/workers", Json::array({1, 2, 3, 4, 5, 6, 7, 8, 9}), "workers is not a list of at most 8"},
        {"/workers/0", "dwx0", "workers[0] is not an object"},
        {"/workers/0/interface", nullptr, "workers[0].interface is not a text"},
        {"/signatures/0/id", 0, "signatures[0].id is not a number from 1 to 65535"},
        {"/signatures/0/id", 65536, "signatures[0].id is not a number from 1 to 65535"},
        {"/signatures/0/on_match", "kill", "signatures[0].on_match is not drop, alert or reject"},
        {"/signatures/0/ban_s", 4294967296, "signatures[0].ban_s is not a number from 0 to 4294967295"},
        {"/signatures/0/both_directions", 1, "signatures[0].both_directions is not true or false"},
    };
    for (const auto& one : cases) {
        Json json = full();
        const Json::json_pointer where(one.where);
        if (one.becomes.is_null())
            json[where.parent_pointer()].erase(where.back());
        else
            json[where] = one.becomes;
        EXPECT_EQ(refusal(json), one.error) << one.where;
    }
}

TEST(InspectConfig, IsRefusedWhenItIsNotJsonOrNamesASetTwice) {
    EXPECT_EQ(parse_inspect_config("{\"version\": 1").error().message, "it is not JSON");
    EXPECT_EQ(parse_inspect_config("[]").error().message, "it is not an object");
    Json json = full();
    json["signatures"].push_back(json["signatures"][0]);
    EXPECT_EQ(refusal(json), "two sets of signatures have the id 4711");
}

TEST(InspectConfig, NeedsARestartOnlyForWhatWasOpenedWithRights) {
    const auto reason = [](const char* where, const Json& becomes) {
        Json json = full();
        json[Json::json_pointer(where)] = becomes;
        return what_needs_a_restart(*parse_inspect_config(full().dump()), *parse_inspect_config(json.dump()))
            .value_or("none");
    };
    EXPECT_EQ(reason("/generation", 13), "none");
    EXPECT_EQ(reason("/signatures", Json::array()), "none");
    EXPECT_EQ(reason("/uplink/mac", "02:00:00:00:00:02"), "none");
    EXPECT_EQ(reason("/pins", "/sys/fs/bpf/other"), "the maps are in /sys/fs/bpf/other now");
    EXPECT_EQ(reason("/workers/0/interface", "dwx1-eth0"), "the workers' interfaces are others now");
    EXPECT_EQ(reason("/uplink/interface", "eth1"), "the uplink is eth1 now");
    EXPECT_EQ(reason("/events", "/run/e"), "events go to /run/e now");
    EXPECT_EQ(reason("/cache", "/tmp/c"), "compiled signatures are kept in /tmp/c now");
}

}  // namespace
}  // namespace dishwall
