// SPDX-License-Identifier: BSD-3-Clause
//
// What was in force before: seen, compared and brought back.
#include <csignal>
#include <fstream>

#include "daemon_lab.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr char kWeb[] = "    accept tcp 443 to nas name web\n";
constexpr char kSsh[] = "    accept tcp 22 to nas name ssh\n";
constexpr char kBoth[] = "    accept tcp { 22, 443 } to nas name both\n";

class DaemonHistory : public DaemonLab {
protected:
    void SetUp() override {
        DaemonLab::SetUp();
        ASSERT_TRUE(daemon->start()) << daemon->log();  // policy 1: web
    }
    void load(const std::string& inbound) {
        daemon->write_config(config_text(inbound));
        const json loaded = daemon->call("Load");
        EXPECT_FALSE(loaded.contains("error")) << loaded.dump();
    }
    bool is_open(const char* packet) {
        return daemon->call("Explain", {{"packet", packet}})["verdict"] == "accept";
    }
    void restart() {
        daemon->signal(SIGKILL);
        (void)daemon->wait();
        ASSERT_TRUE(daemon->start()) << daemon->log();
    }
};

TEST_F(DaemonHistory, IsNewestFirstAndSurvives) {
    load(kSsh);
    load(kSsh);  // the same words: no policy of its own
    load(kBoth);
    restart();
    const json list = daemon->call("History")["policies"];
    ASSERT_EQ(list.size(), 3u) << list.dump(1);
    EXPECT_EQ(list[0]["number"], 3);
    EXPECT_EQ(list[0]["state"], "in force");
    EXPECT_EQ(list[0]["by"], "load");
    EXPECT_EQ(list[0]["path"], daemon->config().string());
    EXPECT_EQ(list[0]["rules"]["inbound"], 1);
    EXPECT_EQ(list[1]["state"], "was in force");
    EXPECT_EQ(list[2]["by"], "start");
    EXPECT_EQ(daemon->call("History", {{"limit", 1}})["policies"].size(), 1u);
}

TEST_F(DaemonHistory, RollbackTakesTheOneBeforeAndOneFurtherEachTime) {
    load(kSsh);
    load(kBoth);
    EXPECT_EQ(daemon->call("Rollback")["number"], 4);
    EXPECT_TRUE(is_open(kToSsh));
    EXPECT_FALSE(is_open(kToWeb));
    EXPECT_EQ(daemon->call("Rollback")["number"], 5);
    EXPECT_TRUE(is_open(kToWeb));
    EXPECT_FALSE(is_open(kToSsh));
    EXPECT_EQ(daemon->call("Rollback")["message"],
              "there is no policy before policy 5; 'dishctl history' lists them; the policy that was in "
              "force still is");
    EXPECT_EQ(daemon->call("Rollback", {{"number", 3}})["number"], 6);
    EXPECT_TRUE(is_open(kToWeb) && is_open(kToSsh));
    EXPECT_EQ(daemon->call("Rollback", {{"number", 99}})["message"],
              "there is no policy 99; 'dishctl history' lists them; the policy that was in force still is");
}

TEST_F(DaemonHistory, WhatWasRolledBackFromDoesNotComeBackByARestart) {
    load(kSsh);
    (void)daemon->call("Rollback");
    restart();
    EXPECT_TRUE(is_open(kToWeb));
    EXPECT_EQ(daemon->call("Status")["policy_number"], 3);
    EXPECT_NE(daemon->log().find("dishwall.conf is NOT used: it is still the text of policy 2"),
              std::string::npos)
        << daemon->log();
    (void)daemon->call("Rollback", {{"number", 2}});  // and forward again: now the file is right
    restart();
    EXPECT_TRUE(is_open(kToSsh));
    EXPECT_EQ(daemon->call("Status")["policy_number"], 4);
}

TEST_F(DaemonHistory, TheStoredTextsAreWhatComesBackIncludedOnesToo) {
    const std::filesystem::path more = daemon->config().parent_path() / "more.rules";
    std::ofstream(more) << "version 1\npolicy inbound on dish {\n    accept tcp 22 to nas name ssh\n}\n";
    daemon->write_config(config_text("") + "include \"more.rules\"\n");
    EXPECT_EQ(daemon->call("Load")["number"], 2);
    EXPECT_TRUE(is_open(kToSsh));
    std::filesystem::remove(more);
    load(kWeb);
    EXPECT_FALSE(is_open(kToSsh));
    const json back = daemon->call("Rollback");
    EXPECT_EQ(back["number"], 4) << back.dump();
    EXPECT_TRUE(is_open(kToSsh));
}

TEST_F(DaemonHistory, AFailedLoadLeavesNoTrace) {
    daemon->write_config(config_text("    accept tcp 443 to nass\n"));
    EXPECT_EQ(daemon->call("Load")["error"], "org.dishwall.BadInput");
    EXPECT_EQ(daemon->call("History")["policies"].size(), 1u);
    EXPECT_EQ(daemon->call("Status")["policy_number"], 1);
}

TEST_F(DaemonHistory, DiffTellsRulesAndTheFlowsThatWouldEnd) {
    send(kToWeb);
    daemon->write_config(config_text(kSsh));
    const json diff = daemon->call("Diff");
    ASSERT_EQ(diff["rules"].size(), 2u) << diff.dump(1);
    EXPECT_EQ(diff["a"]["number"], 1);
    EXPECT_EQ(diff["b"]["path"], daemon->config().string());
    EXPECT_EQ(diff["rules"][0]["change"], "removed");
    EXPECT_EQ(diff["rules"][0]["name"], "web");
    EXPECT_EQ(diff["rules"][0]["before"], "accept tcp 443 to nas name web");
    EXPECT_EQ(diff["rules"][1]["change"], "added");
    EXPECT_EQ(diff["rules"][1]["after"], "accept tcp 22 to nas name ssh");
    ASSERT_EQ(diff["flows_total"], 1) << diff.dump(1);
    EXPECT_EQ(diff["flows"][0]["rule"], "web");
    EXPECT_EQ(daemon->call("Status")["generation"], 1) << "nothing was loaded";

    load(kBoth);
    const json back = daemon->call("Diff", {{"a", 2}, {"b", 1}});
    EXPECT_EQ(back["rules"].size(), 2u) << back.dump(1);
    EXPECT_EQ(back["flows_total"], 0);
    EXPECT_EQ(daemon->call("Diff", {{"a", 7}})["message"],
              "there is no policy 7; 'dishctl history' lists them");
    daemon->write_config("nonsense\n");
    EXPECT_EQ(daemon->call("Diff")["error"], "org.dishwall.BadInput");
}

TEST_F(DaemonHistory, NamesAreThoseOfThePolicyInForce) {
    daemon->write_config(config_text(kSsh) + "set admins = { 2001:db8:7::/48 }\n");
    ASSERT_EQ(daemon->call("Load")["number"], 2);
    const json names = daemon->call("Names");
    EXPECT_EQ(names["rules"], (json{"ssh"}));
    EXPECT_EQ(names["hosts"], (json{"nas"}));
    EXPECT_EQ(names["networks"], (json{"lan"}));
    EXPECT_EQ(names["sets"], (json{"admins"}));
    EXPECT_EQ(names["feeds"], json::array());
    EXPECT_EQ(names["sources"], (json{"dish.fixed"}));
    EXPECT_EQ(names["policies"], (json{1, 2}));
}

}  // namespace
}  // namespace dishwall
