// SPDX-License-Identifier: BSD-3-Clause
//
// Shadow against a real daemon and packets on its uplink: what would change is found, nothing is changed, and
// the programs report no longer than somebody listens.
#include <bpf/bpf.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "bpf/core/image_layout.h"
#include "daemon_lab.h"

namespace dishwall {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class DaemonShadow : public DaemonLab {
protected:
    void SetUp() override {
        DaemonLab::SetUp();
        ASSERT_TRUE(daemon->start()) << daemon->log();
    }

    std::string write_candidate(const std::string& inbound) const {
        const auto path = daemon->config().parent_path() / "candidate.conf";
        std::ofstream(path) << config_text(inbound);
        return path;
    }
    json start(const std::string& inbound) const {
        return daemon->call("ShadowStart", {{"config", write_candidate(inbound)}});
    }
    json report(const json& started) const { return daemon->call("ShadowReport", {{"id", started["id"]}}); }
    json stop(const json& started) const { return daemon->call("ShadowStop", {{"id", started["id"]}}); }

    // As the programs see it: in the header of the pinned image that is in force.
    bool programs_report() const {
        const UniqueFd policy(bpf_obj_get((daemon->pin_dir + "/policy").c_str()));
        std::uint32_t slot = DW_POLICY_IN_FORCE, id = 0;
        EXPECT_EQ(bpf_map_lookup_elem(policy.get(), &slot, &id), 0);
        const UniqueFd image(bpf_map_get_fd_by_id(id));
        std::vector<std::byte> bytes(DW_CHUNK_SIZE);
        EXPECT_EQ(bpf_map_lookup_elem(image.get(), &slot, bytes.data()), 0);
        return (reinterpret_cast<const dw_image*>(bytes.data())->options & DW_OPTION_REPORT_JUDGED) != 0;
    }
};

TEST_F(DaemonShadow, PacketsWhoseVerdictWouldChange) {
    const json started = start("    accept tcp 22 to nas name ssh\n");
    ASSERT_TRUE(started.contains("id")) << started.dump();
    EXPECT_TRUE(programs_report());
    send(kToWeb, 5);
    send(kToSsh, 2);
    send("in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:23 S", 4);
    const json now = report(started);
    EXPECT_EQ(now["judged"], 11) << now.dump(1);
    EXPECT_EQ(now["missed"], 0);
    EXPECT_EQ(now["differences"].dump(),
              R"([{"example":"in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S","packets":5,)"
              R"("rule_now":"web","rule_then":null,"verdict_now":"accept","verdict_then":"drop"},)"
              R"({"example":"in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:22 S","packets":2,)"
              R"("rule_now":null,"rule_then":"ssh","verdict_now":"drop","verdict_then":"accept"}])");
    const json last = stop(started);
    EXPECT_EQ(last["flows_total"], 5) << last.dump(1);
    EXPECT_EQ(last["flows"][0]["rule"], "web");
    EXPECT_FALSE(programs_report());
    EXPECT_EQ(daemon->packets_of_rule("web"), 5u);  // nothing else has happened to them
    EXPECT_EQ(report(started)["message"], "this shadow does not run any more");
}

TEST_F(DaemonShadow, TheFlagSurvivesALoadAndEndsWithTheRun) {
    const json started = start("    accept tcp 22 to nas name ssh\n");
    ASSERT_FALSE(daemon->call("Load").contains("error"));
    EXPECT_TRUE(programs_report());
    send(kToWeb, 2);
    EXPECT_EQ(report(started)["differences"][0]["packets"], 2);
    (void)stop(started);
    ASSERT_FALSE(daemon->call("Load").contains("error"));
    EXPECT_FALSE(programs_report());
}

TEST_F(DaemonShadow, ADaemonThatIsKilledLeavesNoShadowToTheNext) {
    ASSERT_TRUE(start("    accept tcp 22 to nas name ssh\n").contains("id"));
    daemon->signal(SIGKILL);
    (void)daemon->wait();
    EXPECT_TRUE(programs_report());
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_FALSE(programs_report());
}

TEST_F(DaemonShadow, ADaemonThatGoesEndsItFirst) {
    ASSERT_TRUE(start("    accept tcp 22 to nas name ssh\n").contains("id"));
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(), 0) << daemon->log();
    EXPECT_FALSE(programs_report());
}

TEST_F(DaemonShadow, OneAtATimeAndGoodFilesOnly) {
    const json bad = start("    accept tcp 22 to nobody\n");
    EXPECT_EQ(bad["error"], "org.dishwall.BadInput") << bad.dump();
    EXPECT_NE(bad["diagnostics"].get<std::string>().find("nobody"), std::string::npos);
    EXPECT_FALSE(programs_report());
    EXPECT_EQ(daemon->call("ShadowStart", {{"config", "relative.conf"}})["message"],
              "'config' has to be an absolute path");
    const json started = start("");
    ASSERT_TRUE(started.contains("id"));
    const json second = start("");
    EXPECT_EQ(second["error"], "org.dishwall.Refused");
    EXPECT_EQ(second["message"],
              "another shadow runs: there is one at a time, and it ends 10 s after nobody asks for "
              "it any more");
    (void)stop(started);
    EXPECT_TRUE(start("").contains("id"));
}

// Who follows `monitor` sees refused packets, not each accepted one.
TEST_F(DaemonShadow, MonitorIsNotFlooded) {
    ASSERT_TRUE(start("").contains("id"));
    auto client = IpcClient::connect(daemon->run_dir() / "ctl.sock");
    ASSERT_TRUE(client);
    std::vector<std::string> seen;
    std::thread listener([&] {
        (void)client->stream("org.dishwall.Monitor", json::object(), [&](const json& event) {
            if (event["kind"] == "accept" || event["kind"] == "drop") seen.push_back(event["reason"]);
            return seen.empty() || seen.back() != "default-drop";
        });
    });
    std::this_thread::sleep_for(100ms);
    send(kToWeb, 20);
    send(kToSsh);
    listener.join();
    EXPECT_EQ(seen, std::vector<std::string>{"default-drop"});
}

TEST_F(DaemonShadow, DishctlShowsIt) {
    const std::string path = write_candidate("    accept tcp 22 to nas name ssh\n");
    std::thread traffic([&] {
        std::this_thread::sleep_for(500ms);
        send(kToWeb, 3);
    });
    const std::string shown =
        shell(fmt::format("{} --run-dir {} shadow {} --for 2s", DISHCTL, daemon->run_dir().string(), path));
    traffic.join();
    const std::size_t flows = shown.find("\nopen flows that would end: 3\n");
    ASSERT_NE(flows, std::string::npos) << shown;
    EXPECT_EQ("\n" + shown.substr(0, flows), R"(
3 packets judged in 2 s

PACKETS NOW    BY RULE THEN BY RULE   FOR EXAMPLE
      3 accept web     drop (default) in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S
)");
    EXPECT_FALSE(programs_report());
}

// A dishctl that was killed asks no more.
TEST_F(DaemonShadow, ItEndsWhenNobodyAsks) {
    const json started = start("");
    daemon->run_for(5s);
    EXPECT_TRUE(report(started).contains("judged"));
    daemon->run_for(6s);
    EXPECT_TRUE(programs_report());
    daemon->run_for(5s);
    EXPECT_FALSE(programs_report());
    EXPECT_NE(daemon->log().find("nobody asked for its report in 10 s"), std::string::npos) << daemon->log();
}

}  // namespace
}  // namespace dishwall
