// SPDX-License-Identifier: BSD-3-Clause
//
// What the inspector is told, and what is made of what it says: as text, to the letter.
#include "control/inspection/inspection_event.h"

#include <gtest/gtest.h>

#include "control/inspection/inspector_config.h"
#include "control/inspection/report_log.h"

namespace dishwall {
namespace {

using nlohmann::json;

Signatures signatures(const char* name, std::uint16_t id, const char* text) {
    Signatures one;
    one.name = name;
    one.id = id;
    one.path = std::string("/etc/dishwall/sig/") + name + ".hs";
    one.text = std::make_shared<const std::string>(text);
    return one;
}

Policy policy_that_inspects() {
    Policy policy;
    policy.signatures = {signatures("exploits", 4711, "1:/\\/etc\\/passwd/i\n"),
                         signatures("leaks", 65535, "")};
    policy.signatures[1].on_match = Signatures::OnMatch::alert;
    policy.signatures[1].both_directions = true;
    policy.signatures[1].clean_after = 0;
    policy.signatures[0].ban_s = 600;
    Rule rule;
    rule.name = "web";
    rule.verdict = DW_ACCEPT;
    policy.inbound.rules = {rule};
    return policy;
}

const InspectionPaths kPaths{"/run/dishwall", "/var/lib/dishwall", "/sys/fs/bpf/dishwall"};

TEST(InspectorConfigTest, says_ports_and_signatures) {
    const InspectorUplink uplink{"eth0", {2, 0, 0, 0, 0, 1}, 99};
    const std::vector<InspectorPort> ports{{pair_for("eth0", 0), {0xfe, 0xdc, 0, 0, 0, 0x0a}},
                                           {pair_for("eth0", 1), {0xfe, 0xdc, 0, 0, 0, 0x0b}}};
    const std::string text = inspector_config(policy_that_inspects(), 12, kPaths, uplink, ports);
    EXPECT_EQ(json::parse(text), json::parse(R"({
        "version": 1, "generation": 12, "armed_at": 99, "pins": "/sys/fs/bpf/dishwall", "cache": "/var/lib/dishwall/signatures",
        "events": "/run/dishwall/inspect.events",
        "uplink": {"interface": "eth0", "mac": "02:00:00:00:00:01"},
        "workers": [{"interface": "dwx0-eth0", "ours": "dwi0-eth0", "mac": "fe:dc:00:00:00:0a"},
                    {"interface": "dwx1-eth0", "ours": "dwi1-eth0", "mac": "fe:dc:00:00:00:0b"}],
        "signatures": [
            {"id": 4711, "name": "exploits", "file": "/etc/dishwall/sig/exploits.hs",
             "text": "1:/\\/etc\\/passwd/i\n", "on_match": "drop", "ban_s": 600, "both_directions": false,
             "clean_after": 1048576},
            {"id": 65535, "name": "leaks", "file": "/etc/dishwall/sig/leaks.hs", "text": "", "on_match": "alert",
             "ban_s": 0, "both_directions": true, "clean_after": 0}]})"));
}

TEST(InspectorConfigTest, without_a_port_has_no_worker) {
    const json config = json::parse(inspector_config({}, 1, kPaths, std::nullopt, {}));
    EXPECT_EQ(config["workers"], json::array());
    EXPECT_EQ(config["uplink"]["interface"], "");
}

TEST(VethNamesTest, names_fit_an_interface) {
    EXPECT_EQ(pair_for("eth0", 0).ours, "dwi0-eth0");
    EXPECT_EQ(pair_for("eth0", 1).theirs, "dwx1-eth0");
    // 15 characters are the kernel's limit: the end of a name tells more than its beginning.
    EXPECT_EQ(pair_for("enx001122334455", 0).ours, "dwi0-1122334455");
}

class InspectionEventTest : public testing::Test {
protected:
    InspectionEventTest() { EXPECT_TRUE(names_.assign(policy_)); }
    [[nodiscard]] json report() const {
        return {{"kind", "match"},
                {"set", 4711},
                {"signature", 17},
                {"rule", names_.id_of(policy_.inbound.rules[0])},
                {"action", "drop"},
                {"proto", 6},
                {"source", "2001:db8:9::1"},
                {"sport", 40000},
                {"destination", "2001:DB8:1::10"},
                {"dport", 80},
                {"direction", "in"},
                {"banned_s", 600}};
    }
    [[nodiscard]] std::optional<json> made(const json& report) const {
        const json sent = json::parse(report.dump());  // as it comes out of a datagram
        return inspection_event(sent, policy_, names_, "2026-11-23T07:00:00.000Z");
    }
    [[nodiscard]] std::string text(const json& report) const {
        const auto event = made(report);
        return event ? event_text(*event) : "none";
    }

    Policy policy_ = policy_that_inspects();
    CounterRegistry names_;
};

TEST_F(InspectionEventTest, numbers_become_names) {
    EXPECT_EQ(made(report()), json::parse(R"({
        "kind": "match", "time": "2026-11-23T07:00:00.000Z", "direction": "in",
        "IP": {"source": "2001:db8:9::1", "destination": "2001:db8:1::10", "ipVersion": "IPv6"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 80}},
        "signatures": "exploits", "signature": 17, "rule": "web", "action": "drop", "banned_s": 600})"));
    EXPECT_EQ(text(report()),
              "inspection: match of signature 17 of exploits, rule web: in [2001:db8:9::1]:40000 > "
              "[2001:db8:1::10]:80, drop, source refused for 600 s");
}

TEST_F(InspectionEventTest, names_that_are_gone_are_said_to_be) {
    json one = report();
    one.update({{"set", 12}, {"rule", 5}, {"action", "alert"}, {"banned_s", 0}, {"direction", "out"}});
    EXPECT_EQ(text(one),
              "inspection: match of signature 17 of an earlier policy, rule ?: out [2001:db8:9::1]:40000 > "
              "[2001:db8:1::10]:80, alert");
}

// The inspector reads what strangers send. Whatever it sends must not end the daemon, nor steer a terminal.
TEST_F(InspectionEventTest, nothing_in_a_report_is_believed_to_be_what_it_should_be) {
    const json kStrange[] = {nullptr,
                             -1,
                             1e300,
                             "",
                             "x\x1b[2J",
                             std::string(5000, 'a'),
                             json::array({1}),
                             json::object(),
                             true,
                             ~std::uint64_t{0}};
    const json usual = report();
    for (const auto& [name, was] : usual.items())
        for (const json& strange : kStrange) {
            json one = report();
            one[name] = strange;
            const std::string said = text(one);
            EXPECT_EQ(said.find('\x1b'), std::string::npos) << one;
            EXPECT_LT(said.size(), 300U) << one;
            one.erase(name);
            (void)text(one);
        }
    EXPECT_EQ(text(json::array()), "none");
    for (const char* name : {"kind", "action", "source", "destination"}) {
        json one = report();
        one[name] = "no such thing!";
        EXPECT_EQ(text(one), "none") << name;
    }
    json mixed = report();
    mixed["source"] = "192.0.2.1";
    EXPECT_EQ(text(mixed), "none") << "IPv4 speaks to IPv6";
}

// Strangers decide how many reports there are.
TEST_F(InspectionEventTest, a_flood_of_reports_leaves_the_log_readable) {
    using std::chrono::seconds;
    const json event = *made(report());
    ReportLog log;
    unsigned lines = 0;
    for (int i = 0; i < 10'000; ++i) lines += log.line(event, seconds(100)).has_value();
    EXPECT_EQ(lines, ReportLog::kAtOnce);
    EXPECT_EQ(log.line(event, seconds(101)),
              event_text(event) + " (before it 9980 more, see 'dishctl monitor')");
    EXPECT_EQ(log.line(event, seconds(101)), std::nullopt);
    for (int i = 102; i < 160; ++i)
        EXPECT_EQ(log.line(event, seconds(i)),
                  event_text(event) + (i == 102 ? " (before it 1 more, see 'dishctl monitor')" : ""));
    EXPECT_EQ(log.line(event, seconds(1000)), event_text(event)) << "one at a time is always told";
}

}  // namespace
}  // namespace dishwall
