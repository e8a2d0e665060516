// SPDX-License-Identifier: BSD-3-Clause
//
// What can be asked of a running daemon, and what a load may and may not change.
#include <csignal>
#include <thread>

#include "daemon_lab.h"

namespace dishwall {
namespace {

using nlohmann::json;

class DaemonLoad : public DaemonLab {
protected:
    void SetUp() override {
        DaemonLab::SetUp();
        ASSERT_TRUE(daemon->start()) << daemon->log();
    }
};

TEST_F(DaemonLoad, ABrokenFileIsRefusedWithItsPlaceAndTheOldPolicyRunsOn) {
    daemon->write_config(config_text("    accept tcp 443 to nass name web\n"));
    const json reply = daemon->call("Load");
    EXPECT_EQ(reply["error"], "org.dishwall.BadInput");
    EXPECT_EQ(reply["message"],
              daemon->config().string() + " has 1 error; the policy that was in force still is");
    EXPECT_NE(reply["diagnostics"].get<std::string>().find("dishwall.conf:11:"), std::string::npos)
        << reply.dump(1);
    EXPECT_EQ(daemon->call("Status")["generation"], 1);
    send(kToWeb);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
}

TEST_F(DaemonLoad, AMissingFileIsOneClearError) {
    const json reply = daemon->call("Load", {{"config", "/nonexistent/x.conf"}});
    EXPECT_EQ(reply["error"], "org.dishwall.Failed");
    EXPECT_EQ(reply["message"],
              "there is no rule file /nonexistent/x.conf; the policy that was in force still is");
}

TEST_F(DaemonLoad, TotalsSurviveByNameAndVanishedRulesAreGone) {
    send(kToWeb, 5);
    daemon->write_config(
        config_text("    accept tcp 22 to nas name ssh\n    drop udp\n    accept tcp 443 to nas name web\n"));
    const json loaded = daemon->call("Load");
    EXPECT_EQ(loaded["generation"], 2) << loaded.dump();
    EXPECT_EQ(loaded["rules"]["inbound"], 3);
    send(kToSsh);
    EXPECT_EQ(daemon->packets_of_rule("web"), 5u);
    EXPECT_EQ(daemon->packets_of_rule("ssh"), 1u);

    daemon->write_config(config_text("    accept tcp 22 to nas name ssh\n"));
    EXPECT_EQ(daemon->call("Load")["generation"], 3);
    const json rules = daemon->call("Counters")["rules"];
    ASSERT_EQ(rules.size(), 3u) << rules.dump(1);
    EXPECT_EQ(rules[0]["name"], "ssh");
    EXPECT_EQ(rules[0]["chain"], "inbound");
    EXPECT_EQ(rules[1]["name"], "web");
    EXPECT_EQ(rules[1]["chain"], "gone");
    EXPECT_EQ(rules[1]["packets"], 5);

    daemon->signal(SIGKILL);  // names are on disk, totals in the kernel
    (void)daemon->wait();
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_EQ(daemon->packets_of_rule("web"), 5u);
    EXPECT_EQ(daemon->packets_of_rule("ssh"), 1u);
}

TEST_F(DaemonLoad, WhatNeedsARestartIsRefused) {
    std::string text = config_text("");
    text.replace(text.find("wan0"), 4, "isp0");
    daemon->write_config(text);
    json reply = daemon->call("Load");
    EXPECT_EQ(reply["error"], "org.dishwall.Refused");
    EXPECT_EQ(
        reply["message"],
        "the uplink's interface changes from wan0 to isp0; restart the daemon to change that; the policy "
        "that was in force still is");
    daemon->write_config(config_text("", "    flow-table 4096\n"));
    reply = daemon->call("Load");
    EXPECT_EQ(reply["error"], "org.dishwall.Refused");
    EXPECT_EQ(
        reply["message"],
        "the flow table's size changes from 131072 to 4096; restart the daemon to change that; the policy "
        "that was in force still is");
    EXPECT_EQ(daemon->call("Status")["generation"], 1);
}

TEST_F(DaemonLoad, HangupReloads) {
    daemon->write_config(config_text("    accept tcp 22 to nas name ssh\n"));
    daemon->signal(SIGHUP);
    EXPECT_TRUE(daemon->notified("RELOADING=1"));
    EXPECT_TRUE(daemon->notified("READY=1"));
    EXPECT_EQ(daemon->call("Status")["generation"], 2);
    daemon->write_config("nonsense\n");
    daemon->signal(SIGHUP);
    EXPECT_TRUE(daemon->notified("READY=1"));
    EXPECT_EQ(daemon->call("Status")["generation"], 2);
    EXPECT_NE(daemon->log().find("the policy that was in force still is"), std::string::npos);
}

TEST_F(DaemonLoad, RenumberedSourcesNeverMeanTheWrongPrefix) {
    const auto file = [](const std::string& first, const std::string& second) {
        return "version 1\nuplink dish {\n interface wan0\n documentation-prefixes allow\n" + first + second +
               "}\nnetwork lan = dish.one subnet 0x1\nhost nas = lan ::10\n"
               "policy inbound on dish {\n accept tcp 443 to nas name web\n}\n";
    };
    const std::string one = " prefix one static 2001:db8:aa00::/56\n",
                      two = " prefix two static 2001:db8:bb00::/56\n";
    daemon->write_config(file(one, two));
    EXPECT_EQ(daemon->call("Load")["generation"], 2);
    daemon->write_config(file(two, one));  // the same, numbered the other way round
    EXPECT_EQ(daemon->call("Load")["generation"], 3);
    const std::string wrong = "in tcp [2001:db8:1::1]:40000 > [2001:db8:bb00:1::10]:443 S";
    EXPECT_EQ(daemon->call("Explain", {{"packet", kToWeb}})["verdict"], "accept");
    EXPECT_EQ(daemon->call("Explain", {{"packet", wrong}})["verdict"], "drop");
}

TEST_F(DaemonLoad, ALoadUnderTrafficLosesNoVerdict) {
    send(kToSsh, 10);
    std::thread traffic([&] {
        for (int i = 0; i < 40; ++i) send(kToSsh, 25);
    });
    for (int i = 0; i < 20; ++i) EXPECT_EQ(daemon->call("Load")["generation"], 2 + i);
    traffic.join();
    EXPECT_EQ(daemon->packets_of_reason("default-drop"), 1010u);
    EXPECT_EQ(daemon->packets_of_reason("no-policy"), 0u);
}

TEST_F(DaemonLoad, ExplainAgreesAndChangesNothing) {
    const json before = daemon->call("Counters");
    const json web = daemon->call("Explain", {{"packet", kToWeb}});
    EXPECT_EQ(web["verdict"], "accept") << web.dump(1);
    EXPECT_EQ(web["reason"], "rule-accept");
    EXPECT_EQ(web["rule"]["name"], "web");
    EXPECT_EQ(web["rule"]["place"], "dishwall.conf:11");
    EXPECT_EQ(web["prefix"]["source"], "dish.fixed");
    EXPECT_EQ(web["agree"], true);
    const json ssh = daemon->call("Explain", {{"packet", kToSsh}});
    EXPECT_EQ(ssh["verdict"], "drop");
    EXPECT_EQ(ssh["reason"], "default-drop");
    EXPECT_EQ(ssh["agree"], true);
    const json out =
        daemon->call("Explain", {{"packet", "out udp [2001:db8:aa00:1::20]:5000 > [2001:db8:9::1]:53"}});
    EXPECT_EQ(out["verdict"], "accept") << out.dump(1);
    EXPECT_EQ(out["reason"], "default-accept");
    EXPECT_EQ(out["agree"], true);
    const json bad = daemon->call("Explain", {{"packet", "in tcp nonsense"}});
    EXPECT_EQ(bad["error"], "org.dishwall.BadInput");
    EXPECT_EQ(daemon->call("Counters"), before);
    EXPECT_EQ(daemon->call("Flows")["slots_used"], 0);

    send(kToWeb);
    const json known =
        daemon->call("Explain", {{"packet", "out tcp [2001:db8:aa00:1::10]:443 > [2001:db8:1::1]:40000 SA"}});
    EXPECT_EQ(known["reason"], "flow") << known.dump(1);
    EXPECT_EQ(known["rule"]["name"], "web");
    EXPECT_EQ(known["flow"]["origin"], "outside");
}

TEST_F(DaemonLoad, MonitorTellsDropsAsTheyHappen) {
    auto client = IpcClient::connect(daemon->run_dir() / "ctl.sock");
    ASSERT_TRUE(client);
    std::thread traffic([&] {
        ::usleep(300'000);
        send(kToSsh);
    });
    json seen;
    const auto done = client->stream("org.dishwall.Monitor", json::object(), [&](const json& event) {
        seen = event;
        return false;
    });
    traffic.join();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(seen["kind"], "drop");
    EXPECT_EQ(seen["direction"], "in");
    EXPECT_EQ(seen["verdict"], "DROPPED");
    EXPECT_EQ(seen["drop_reason_desc"], "default-drop");
    EXPECT_EQ(seen["IP"]["source"], "2001:db8:1::1");
    EXPECT_EQ(seen["l4"]["TCP"]["destination_port"], 22);
}

TEST_F(DaemonLoad, ANewAddressOfThisBoxIsOursAtOnce) {
    const std::string to_self = "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::1]:8080 S";
    daemon->write_config(config_text("    accept tcp 8080 to self name own\n"));
    EXPECT_EQ(daemon->call("Load")["generation"], 2);
    EXPECT_EQ(daemon->call("Explain", {{"packet", to_self}})["verdict"], "drop");
    shell("sysctl -qw net.ipv6.conf.lo.disable_ipv6=0 && ip addr add 2001:db8:aa00:1::1/128 dev lo");
    ::usleep(200'000);
    const json explained = daemon->call("Explain", {{"packet", to_self}});
    EXPECT_EQ(explained["verdict"], "accept") << explained.dump(1);
    EXPECT_EQ(explained["agree"], true);
    EXPECT_LT(daemon->call("Prefix")["enforced_in_us"].get<std::uint64_t>(), 100'000u);
}

}  // namespace
}  // namespace dishwall
