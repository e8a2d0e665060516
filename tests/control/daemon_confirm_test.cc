// SPDX-License-Identifier: BSD-3-Clause
//
// `load --confirm`: an unconfirmed policy goes back at its deadline, with the daemon alive, killed, or
// started anew in a machine that booted meanwhile.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "control/clock.h"
#include "daemon_lab.h"

namespace dishwall {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr char kSsh[] = "    accept tcp 22 to nas name ssh\n";

class DaemonConfirm : public DaemonLab {
protected:
    void SetUp() override {
        DaemonLab::SetUp();
        ASSERT_TRUE(daemon->start()) << daemon->log();
    }

    // The file is edited, as people do, and loaded. Web was open, ssh is.
    json load_other(unsigned seconds) {
        daemon->write_config(config_text(kSsh));
        return daemon->call("Load", {{"confirm", seconds}});
    }
    bool is_open(const char* packet) {
        return daemon->call("Explain", {{"packet", packet}})["verdict"] == "accept";
    }
    json newest() { return daemon->call("History")["policies"][0]; }
    std::string state_of(unsigned number) {
        const json history = daemon->call("History");
        for (const json& one : history["policies"])
            if (one["number"] == number) return one["state"];
        return "not there";
    }
    bool waits_until_web_is_open_again(std::chrono::milliseconds patience) {
        for (const auto until = std::chrono::steady_clock::now() + patience;
             std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(50ms))
            if (is_open(kToWeb)) return true;
        return false;
    }
    void kill() {
        daemon->signal(SIGKILL);
        EXPECT_EQ(daemon->wait(), 128 + SIGKILL);
    }
    void remove_pins() {
        shell("ip link set wan0 xdp off; rm -rf " + daemon->pin_dir + "/* ; rmdir " + daemon->pin_dir);
    }
    json state() const { return json::parse(std::ifstream(daemon->state_dir() / "policies/state.json")); }
    void write_state(const json& state) const {
        std::ofstream(daemon->state_dir() / "policies/state.json") << state.dump();
    }
    // As after a boot: the kernel forgot everything, and calls itself by another id.
    void seem_to_reboot() {
        remove_pins();
        json saved = state();
        ASSERT_TRUE(saved["unconfirmed"].is_object()) << saved.dump();
        saved["unconfirmed"]["boot"] = "another boot";
        write_state(saved);
    }
};

TEST_F(DaemonConfirm, GoesBackAtTheDeadline) {
    const json loaded = load_other(1);
    EXPECT_EQ(loaded["number"], 2) << loaded.dump();
    ASSERT_TRUE(loaded["confirm_by"].is_string()) << loaded.dump();
    const json status = daemon->call("Status");
    EXPECT_EQ(status["policy_number"], 2);
    EXPECT_EQ(status["confirm"]["by"], loaded["confirm_by"]);
    EXPECT_LE(status["confirm"]["seconds_left"], 1);
    EXPECT_EQ(newest()["state"], "in force, unconfirmed");
    EXPECT_EQ(newest()["confirm_by"], loaded["confirm_by"]);
    EXPECT_TRUE(is_open(kToSsh));
    EXPECT_FALSE(is_open(kToWeb));

    EXPECT_TRUE(waits_until_web_is_open_again(2s)) << daemon->log();
    EXPECT_FALSE(is_open(kToSsh));
    EXPECT_EQ(daemon->call("Status")["confirm"], nullptr);
    EXPECT_EQ(newest()["by"], "revert");
    EXPECT_EQ(newest()["of"], 1);
    EXPECT_EQ(state_of(2), "reverted");
    EXPECT_NE(daemon->log().find("policy 2 was not confirmed in time: policy 1 is back, as policy 3"),
              std::string::npos)
        << daemon->log();
}

TEST_F(DaemonConfirm, ConfirmKeepsIt) {
    (void)load_other(1);
    EXPECT_EQ(daemon->call("Confirm")["number"], 2);
    EXPECT_FALSE(waits_until_web_is_open_again(1500ms));
    EXPECT_EQ(state_of(2), "in force");
    EXPECT_EQ(daemon->call("Confirm")["message"], "nothing waits to be confirmed: policy 2 stays");
    kill();
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(is_open(kToSsh));
    EXPECT_EQ(daemon->call("Status")["policy_number"], 2) << "the same texts are the same policy";
}

TEST_F(DaemonConfirm, GoesOnAfterAKillWithTheTimeThatIsLeft) {
    (void)load_other(3);
    kill();
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(is_open(kToSsh)) << "its time has not run out yet";
    EXPECT_EQ(daemon->call("Status")["policy_number"], 2);
    EXPECT_TRUE(daemon->call("Status")["confirm"].is_object());
    EXPECT_TRUE(waits_until_web_is_open_again(4s)) << daemon->log();
    EXPECT_EQ(newest()["by"], "revert");
}

TEST_F(DaemonConfirm, IsBackAtOnceWhenTheDeadlinePassedWithoutADaemon) {
    (void)load_other(1);
    kill();
    std::this_thread::sleep_for(1100ms);
    send(kToSsh);
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(is_open(kToWeb));
    EXPECT_EQ(state_of(2), "reverted");
    EXPECT_EQ(newest()["by"], "revert");
    EXPECT_EQ(daemon->packets_of_rule("ssh"), 1u) << "until then it was in force";
}

TEST_F(DaemonConfirm, IsBackWhenThePinsAreGoneToo) {
    (void)load_other(1);
    kill();
    remove_pins();
    std::this_thread::sleep_for(1100ms);
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(is_open(kToWeb));
    EXPECT_FALSE(is_open(kToSsh));
}

TEST_F(DaemonConfirm, AfterARebootTheFormerOneIsStartedThoughTheFileIsTheNewOne) {
    (void)load_other(3600);
    kill();
    seem_to_reboot();
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(is_open(kToWeb));
    EXPECT_EQ(state_of(2), "reverted");
    EXPECT_NE(
        daemon->log().find("policy 2 was not confirmed before the machine booted again: back to policy 1"),
        std::string::npos)
        << daemon->log();

    kill();  // and again, until somebody edits the file
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(is_open(kToWeb));
    EXPECT_NE(daemon->log().find(
                  "dishwall.conf is NOT used: it is still the text of policy 2, which was taken back"),
              std::string::npos)
        << daemon->log();
    daemon->write_config(config_text(std::string(kSsh) + "# edited\n"));
    kill();
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(is_open(kToSsh));
    EXPECT_EQ(newest()["by"], "start");
}

TEST_F(DaemonConfirm, WhoLoadsTheTextsAgainMeansThem) {
    (void)load_other(1);
    ASSERT_TRUE(waits_until_web_is_open_again(2s));
    EXPECT_EQ(daemon->call("Load")["number"], 4);
    kill();
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(is_open(kToSsh));
}

TEST_F(DaemonConfirm, ASecondLoadIsRefusedAndAForcedOneKeepsTheWayBack) {
    (void)load_other(2);
    daemon->write_config(config_text("    accept tcp 80 to nas name plain\n"));
    const json refused = daemon->call("Load");
    EXPECT_EQ(refused["error"], "org.dishwall.Refused");
    EXPECT_EQ(refused["message"],
              "policy 2 waits to be confirmed: 'dishctl confirm' keeps it, 'dishctl rollback' goes back to "
              "policy 1; "
              "'dishctl load --force' loads over it, and what is loaded has to be confirmed then; the policy "
              "that was "
              "in force still is");
    const json forced = daemon->call("Load", {{"force", true}});
    EXPECT_EQ(forced["number"], 3) << forced.dump();
    EXPECT_TRUE(forced["confirm_by"].is_string());
    EXPECT_EQ(state_of(2), "reverted");
    EXPECT_TRUE(waits_until_web_is_open_again(3s)) << daemon->log();
    EXPECT_EQ(newest()["of"], 1) << "what was confirmed last, not what was loaded last";
}

TEST_F(DaemonConfirm, RollbackGoesBackAtOnce) {
    (void)load_other(3600);
    const json back = daemon->call("Rollback");
    EXPECT_EQ(back["number"], 3) << back.dump();
    EXPECT_EQ(back["confirm_by"], nullptr);
    EXPECT_TRUE(is_open(kToWeb));
    EXPECT_EQ(state_of(2), "reverted");
    EXPECT_EQ(daemon->call("Status")["confirm"], nullptr);
}

TEST_F(DaemonConfirm, WhatIsInForceAlreadyNeedsNoConfirmation) {
    const json loaded = daemon->call("Load", {{"confirm", 1}});
    EXPECT_EQ(loaded["number"], 1) << loaded.dump();
    EXPECT_EQ(loaded["confirm_by"], nullptr);
    EXPECT_NE(loaded["warnings"].get<std::string>().find("there is nothing to confirm"), std::string::npos);
    EXPECT_EQ(daemon->call("Load", {{"confirm", 0}})["error"], "org.dishwall.BadInput");
}

}  // namespace
}  // namespace dishwall
