// SPDX-License-Identifier: BSD-3-Clause
//
// The daemon from its first start to its unload, on a real (virtual) uplink.
#include <csignal>
#include <fstream>

#include "daemon_lab.h"

namespace dishwall {
namespace {

using nlohmann::json;

class DaemonLife : public DaemonLab {};

TEST_F(DaemonLife, IsReadyOnlyWhenItEnforces) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_NE(xdp_program_on_uplink(), 0u);
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    for (const char* pin : {"control", "own", "slots", "flows", "fragments", "link", "counters", "policy",
                            "events", "image_a_0", "link_ingress"})
        EXPECT_TRUE(std::filesystem::exists(daemon->pin_dir + "/" + pin)) << pin;
    send(kToWeb);
    send(kToSsh, 3);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
    EXPECT_EQ(daemon->packets_of_reason("default-drop"), 3u);
    const json status = daemon->call("Status");
    EXPECT_EQ(status["uplink"], "dish");
    EXPECT_EQ(status["interface"], "wan0");
    EXPECT_EQ(status["xdp_mode"], "native");
    EXPECT_EQ(status["egress"], usual_egress());
    EXPECT_EQ(std::filesystem::exists(daemon->pin_dir + "/link_egress"), usual_egress() == "tcx");
    EXPECT_EQ(status["state"], "enforced");
    EXPECT_EQ(status["generation"], 1);
    EXPECT_EQ(status["rules"]["inbound"], 1);
    EXPECT_EQ(status["flow_table"]["slots"], 131072);
    EXPECT_EQ(status["prefixes"][0]["prefix"], "2001:db8:aa00::/56");
    EXPECT_TRUE(daemon->notified("WATCHDOG=1"));
}

TEST_F(DaemonLife, KillChangesNothingAndARestartTakesOver) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    send(kToWeb);
    const std::uint32_t program = xdp_program_on_uplink();
    daemon->signal(SIGKILL);
    EXPECT_EQ(daemon->wait(), 128 + SIGKILL);
    EXPECT_EQ(xdp_program_on_uplink(), program);
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    send(kToSsh, 2);  // judged by the dead daemon's policy

    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_NE(xdp_program_on_uplink(), program) << "this binary's programs should have taken over";
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
    EXPECT_EQ(daemon->packets_of_reason("default-drop"), 2u);
    EXPECT_EQ(daemon->call("Status")["generation"], 2);
    const json flows = daemon->call("Flows");
    ASSERT_EQ(flows["flows"].size(), 1u) << flows.dump();
    EXPECT_EQ(flows["flows"][0]["rule"], "web");
    EXPECT_EQ(flows["flows"][0]["stage"], "embryonic");
    EXPECT_EQ(flows["flows"][0]["IP"]["source"], "2001:db8:1::1");
    EXPECT_NE(daemon->log().find("took over flows, counters and policy"), std::string::npos);
}

TEST_F(DaemonLife, TermLeavesThePolicyInForce) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    const std::uint32_t program = xdp_program_on_uplink();
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(), 0) << daemon->log();
    EXPECT_EQ(xdp_program_on_uplink(), program);
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    EXPECT_TRUE(std::filesystem::exists(daemon->pin_dir + "/control"));
}

TEST_F(DaemonLife, UnloadTakesEverythingAwayAndSaysSo) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    const json reply = daemon->call("Unload");
    EXPECT_EQ(reply["message"], "wan0 is open: nothing is filtered any more, and dishwalld ends");
    EXPECT_EQ(daemon->wait(), 0);
    EXPECT_EQ(xdp_program_on_uplink(), 0u);
    EXPECT_EQ(egress_programs_on_uplink(), 0u);
    EXPECT_FALSE(std::filesystem::exists(daemon->pin_dir));
    EXPECT_NE(daemon->log().find("unloaded: wan0 is open"), std::string::npos);
}

TEST_F(DaemonLife, ClsactStandsInForTcxAndIsReplacedInPlace) {
    ASSERT_TRUE(daemon->start({"--egress", "clsact"})) << daemon->log();
    EXPECT_EQ(daemon->call("Status")["egress"], "clsact");
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    EXPECT_EQ(filters_on_uplink(), 1u);
    daemon->signal(SIGKILL);
    (void)daemon->wait();
    EXPECT_EQ(filters_on_uplink(), 1u) << "the filter outlives the daemon";
    ASSERT_TRUE(daemon->start({"--egress", "clsact"})) << daemon->log();
    EXPECT_EQ(filters_on_uplink(), 1u);
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(), 0);

    ASSERT_TRUE(daemon->start()) << daemon->log();  // the newer hook takes its place
    EXPECT_EQ(daemon->call("Status")["egress"], usual_egress());
    EXPECT_EQ(filters_on_uplink(), usual_egress() == "tcx" ? 0u : 1u);
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(), 0);

    ASSERT_TRUE(daemon->start({"--egress", "clsact"})) << daemon->log();
    EXPECT_EQ(egress_programs_on_uplink(), 1u) << "one hook is enough";
    EXPECT_EQ(filters_on_uplink(), 1u);
    (void)daemon->call("Unload");
    EXPECT_EQ(daemon->wait(), 0);
    EXPECT_EQ(egress_programs_on_uplink(), 0u);
}

TEST_F(DaemonLife, GenericModeByRuleFile) {
    daemon->write_config(config_text("    accept tcp 443 to nas name web\n", "    xdp generic\n"));
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_EQ(daemon->call("Status")["xdp_mode"], "generic");
    send(kToWeb);
    send(kToSsh);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
    EXPECT_EQ(daemon->packets_of_reason("default-drop"), 1u);
}

TEST_F(DaemonLife, GenericModeWhereTheDriverHasNoNative) {
    if (!make_uplink_a_bridge()) GTEST_SKIP() << "this kernel cannot make a bridge";
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_EQ(daemon->call("Status")["xdp_mode"], "generic");
    EXPECT_NE(daemon->log().find("wan0: no native XDP"), std::string::npos) << daemon->log();
}

TEST_F(DaemonLife, NativeModeIsNotSilentlyGeneric) {
    if (!make_uplink_a_bridge()) GTEST_SKIP() << "this kernel cannot make a bridge";
    daemon->write_config(config_text("", "    xdp native\n"));
    EXPECT_FALSE(daemon->start());
    EXPECT_EQ(daemon->wait(), 1);
    EXPECT_NE(daemon->log().find("ingress of wan0: wan0 cannot run XDP in native mode"), std::string::npos)
        << daemon->log();
    EXPECT_EQ(egress_programs_on_uplink(), 0u) << "what was attached before the failure is taken off again";
}

TEST_F(DaemonLife, AnotherFlowTableSizeMakesNewMapsWithoutLettingGo) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    send(kToWeb);
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(), 0);
    const std::string link_before = shell("bpftool -j link show pinned " + daemon->pin_dir + "/link_ingress");
    daemon->write_config(config_text("    accept tcp 443 to nas name web\n", "    flow-table 4096\n"));
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_NE(
        daemon->log().find("cannot be taken over: their flow table has 131072 slots, the rule file asks "
                           "for 4096"),
        std::string::npos)
        << daemon->log();
    EXPECT_EQ(daemon->call("Status")["flow_table"]["slots"], 4096);
    EXPECT_EQ(daemon->packets_of_rule("web"), 0u);
    const std::string link_after = shell("bpftool -j link show pinned " + daemon->pin_dir + "/link_ingress");
    EXPECT_EQ(json::parse(link_before)["id"], json::parse(link_after)["id"])
        << "the same link, never detached";
    send(kToWeb);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
}

TEST_F(DaemonLife, CountersWithoutTheirNamesStartAtZero) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    send(kToWeb, 4);
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(), 0);
    std::ofstream(daemon->state_dir() / "counters.txt") << "half a regis";
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_NE(
        daemon->log().find("counters.txt: this is not a counter registry; totals of rules start at zero"),
        std::string::npos)
        << daemon->log();
    EXPECT_EQ(daemon->packets_of_rule("web"), 0u);
}

}  // namespace
}  // namespace dishwall
