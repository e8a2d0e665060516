// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/update_plan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "control/dns/update_command.h"
#include "tests/control/dns_policy.h"

namespace dishwall {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr unsigned kNas = 0, kCam = 1, kAnywhere = 2;
const Own kFirst = own_of({live("2001:db8:100::/56")});
const Own kSecond = own_of({live("2001:db8:200::/56")});

class UpdatePlanTest : public testing::Test {
protected:
    void follow(std::vector<DnsUpdate> updates) {
        Policy policy = home();
        policy.dns_updates = std::move(updates);
        plan_.follow(policy);
    }
    void follow_web() { follow({zone("home.example", {{"web.home.example", kNas, 60, {}}})}); }
    void own(const Own& own) { plan_.own_in_force(own, now_); }
    // What is sent now: "zone 0: web.home.example none -> 2001:db8::1; ..."
    std::string send() {
        std::string text;
        for (const UpdateJob& job : plan_.take_due(now_)) {
            text += fmt::format("zone {}:", job.zone);
            for (const RecordChange& change : job.changes)
                text += fmt::format(" {} [{}] -> [{}]", change.name, text_of(change.before),
                                    text_of(change.wanted));
            text += "\n";
        }
        return text;
    }
    std::string send_later(std::chrono::nanoseconds later = UpdatePlan::kSettle) {
        now_ += later;
        return send();
    }
    std::string finish(const std::string& error = "", std::size_t zone = 0) {
        const UpdateNews news = plan_.finished(zone, error, now_, wall_);
        std::string text;
        for (const std::string& line : news.changed) text += line + "\n";
        for (const std::string& line : news.warnings) text += "warning: " + line + "\n";
        return text;
    }
    nlohmann::json record(std::size_t zone = 0, std::size_t index = 0) const {
        return plan_.list(now_)[zone]["records"][index];
    }

    UpdatePlan plan_{1};
    MonotonicTime now_ = seconds(1000);
    UnixTime wall_ = seconds(1'700'000'000);
};

TEST_F(UpdatePlanTest, NothingIsSentBeforeThePolicyHasItsPrefixesInForce) {
    follow_web();
    EXPECT_EQ(plan_.deadline(), std::nullopt);
    EXPECT_EQ(send_later(seconds(1000)), "");
    EXPECT_EQ(record()["state"], "pending");
}

TEST_F(UpdatePlanTest, AChangeIsSentOnceAndThenCurrent) {
    follow_web();
    own(kFirst);
    EXPECT_EQ(send(), "") << "a renumbering is several changes: it settles first";
    EXPECT_EQ(plan_.deadline(), now_ + milliseconds(100));
    EXPECT_EQ(send_later(), "zone 0: web.home.example [] -> [2001:db8:100:1::10]\n");
    EXPECT_EQ(send_later(seconds(1)), "") << "one at a time";
    EXPECT_EQ(finish(), "web.home.example: AAAA 2001:db8:100:1::10 (not known before)\n");
    EXPECT_EQ(send_later(seconds(1)), "");
    EXPECT_EQ(plan_.deadline(), std::nullopt);
    EXPECT_EQ(
        plan_.list(now_).dump(),
        R"([{"by":"nsupdate","records":[{"attempts":0,"error":null,"host":"nas","last_success":1700000000,)"
        R"("name":"web.home.example","published":["2001:db8:100:1::10"],"retry_in":null,"state":"current",)"
        R"("wanted":["2001:db8:100:1::10"]}],"server":"2001:db8::53 port 53","zone":"home.example"}])");
    own(kSecond);
    EXPECT_EQ(record()["state"], "pending");
    EXPECT_EQ(send_later(), "zone 0: web.home.example [2001:db8:100:1::10] -> [2001:db8:200:1::10]\n");
    EXPECT_EQ(finish(), "web.home.example: AAAA 2001:db8:200:1::10 (was 2001:db8:100:1::10)\n");
}

TEST_F(UpdatePlanTest, AChangeOfOtherHostsSendsNothing) {
    follow_web();
    own(kFirst);
    send_later();
    finish();
    Own busy = kFirst;
    busy.learnt = {{addr("2001:db8:100:1::77"), kCamId}};
    busy.self = {addr("2001:db8:100:1::1")};
    own(busy);
    EXPECT_EQ(plan_.deadline(), std::nullopt);
}

TEST_F(UpdatePlanTest, WithoutAnyAddressTheOldRecordStays) {
    follow_web();
    own(kFirst);
    send_later();
    finish();
    own(own_of({live("2001:db8:100::/56", DW_PREFIX_GRACE)}));
    EXPECT_EQ(plan_.deadline(), std::nullopt);
    EXPECT_EQ(record()["state"], "current");
    EXPECT_EQ(record()["wanted"].size(), 0u);
    own(kFirst);
    EXPECT_EQ(send_later(), "") << "it is right again";
}

TEST_F(UpdatePlanTest, OfAHostWithoutAddressTheListSaysSo) {
    follow_web();
    own(own_of({}));
    EXPECT_EQ(record()["state"], "pending");
    EXPECT_EQ(record()["error"], "the host has no address in a live prefix");
}

TEST_F(UpdatePlanTest, AFailureIsTriedAgainAfterASecondDoublingTo5Minutes) {
    follow_web();
    own(kFirst);
    send_later();
    EXPECT_EQ(finish("timed out"),
              "warning: web.home.example not published yet: timed out; it is tried again\n");
    const double kDelays[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
    for (const double delay : kDelays) {
        const double waited = std::chrono::duration<double>(*plan_.deadline() - now_).count();
        EXPECT_GE(waited, delay * 0.75);
        EXPECT_LE(waited, delay * 1.25);
        now_ = *plan_.deadline();
        EXPECT_EQ(send(), "zone 0: web.home.example [] -> [2001:db8:100:1::10]\n");
        EXPECT_EQ(finish("timed out"), "") << "told once";
    }
    const nlohmann::json failing = record();
    EXPECT_EQ(failing["state"], "failing");
    EXPECT_EQ(failing["error"], "timed out");
    EXPECT_EQ(failing["attempts"], 12);
    EXPECT_GE(failing["retry_in"], 225);
    now_ = *plan_.deadline();
    send();
    EXPECT_EQ(finish("refused"), "warning: web.home.example not published yet: refused; it is tried again\n");
    now_ = *plan_.deadline();
    send();
    EXPECT_EQ(finish(), "web.home.example: AAAA 2001:db8:100:1::10 (not known before)\n");
    EXPECT_EQ(record()["error"], nullptr);
}

TEST_F(UpdatePlanTest, ANewerStateReplacesOneThatWaits) {
    follow_web();
    own(kFirst);
    send_later();
    for (int i = 0; i < 10; ++i) {
        finish("timed out");
        now_ = *plan_.deadline();
        send();
    }
    finish("timed out");
    own(kSecond);
    EXPECT_EQ(plan_.deadline(), now_ + milliseconds(100)) << "it does not wait for the old one's time";
    EXPECT_EQ(send_later(), "zone 0: web.home.example [] -> [2001:db8:200:1::10]\n");
}

TEST_F(UpdatePlanTest, AChangeWhileOneIsSentIsSentAfterIt) {
    follow_web();
    own(kFirst);
    send_later();
    own(kSecond);
    EXPECT_EQ(send_later(seconds(5)), "");
    finish();
    EXPECT_EQ(send(), "zone 0: web.home.example [2001:db8:100:1::10] -> [2001:db8:200:1::10]\n");
}

// The server may have done what it did not confirm.
TEST_F(UpdatePlanTest, AfterAFailureTheStateBeforeIsSentAgain) {
    follow_web();
    own(kFirst);
    send_later();
    finish();
    own(kSecond);
    send_later();
    finish("timed out");
    own(kFirst);
    EXPECT_EQ(send_later(), "zone 0: web.home.example [2001:db8:100:1::10] -> [2001:db8:100:1::10]\n");
    EXPECT_EQ(finish(), "web.home.example: AAAA 2001:db8:100:1::10 (as before)\n");
    EXPECT_EQ(plan_.deadline(), std::nullopt);
}

TEST_F(UpdatePlanTest, AZoneIsOneTransactionOfWhatDiffers) {
    follow({zone("home.example", {{"web.home.example", kNas, 60, {}},
                                  {"cam.home.example", kCam, 60, {}},
                                  {"any.home.example", kAnywhere, 60, {}}}),
            zone("other.example", {{"nas.other.example", kNas, 60, {}}})});
    own(own_of({live("2001:db8:100::/56")}));
    EXPECT_EQ(send_later(),
              "zone 0: web.home.example [] -> [2001:db8:100:1::10]"
              " any.home.example [] -> [2001:db8:100:1::20 2001:db8:100:2::20]\n"
              "zone 1: nas.other.example [] -> [2001:db8:100:1::10]\n");
    EXPECT_EQ(finish("refused"),
              "warning: web.home.example, any.home.example not published yet: refused; it is tried again\n");
    finish("", 1);
    own(own_of({live("2001:db8:100::/56")}, {"2001:db8:100:1::5"}));
    EXPECT_EQ(send_later(),
              "zone 0: web.home.example [] -> [2001:db8:100:1::10]"
              " cam.home.example [] -> [2001:db8:100:1::5]"
              " any.home.example [] -> [2001:db8:100:1::20 2001:db8:100:2::20]\n")
        << "what waits for its next try goes along";
}

TEST_F(UpdatePlanTest, AProgramGetsOneRecordAtATime) {
    follow({exec_zone("home.example", "/bin/true",
                      {{"web.home.example", kNas, 60, {}}, {"any.home.example", kAnywhere, 60, {}}})});
    own(kFirst);
    EXPECT_EQ(send_later(), "zone 0: web.home.example [] -> [2001:db8:100:1::10]\n");
    finish("it said no");
    EXPECT_EQ(send(), "zone 0: any.home.example [] -> [2001:db8:100:1::20 2001:db8:100:2::20]\n");
    finish();
    EXPECT_EQ(record(0, 0)["state"], "failing");
    EXPECT_EQ(record(0, 1)["state"], "current");
    EXPECT_EQ(plan_.list(now_)[0]["program"], "/bin/true");
}

TEST_F(UpdatePlanTest, ANewTtlIsSentAndAnotherServerGetsEverything) {
    follow_web();
    own(kFirst);
    send_later();
    finish();
    follow({zone("home.example", {{"web.home.example", kNas, 300, {}}})});
    own(kFirst);
    EXPECT_EQ(send_later(), "zone 0: web.home.example [2001:db8:100:1::10] -> [2001:db8:100:1::10]\n");
    finish();
    DnsUpdate other = zone("home.example", {{"web.home.example", kNas, 300, {}}});
    std::get<DnsUpdate::Nsupdate>(other.by).server = "2001:db8::54";
    follow({other});
    own(kFirst);
    EXPECT_EQ(send_later(), "zone 0: web.home.example [] -> [2001:db8:100:1::10]\n");
}

TEST_F(UpdatePlanTest, ALoadThatChangesNothingSendsNothing) {
    follow_web();
    own(kFirst);
    send_later();
    finish();
    follow_web();
    EXPECT_EQ(send_later(), "");
    own(kFirst);
    EXPECT_EQ(send_later(), "");
}

TEST_F(UpdatePlanTest, ALoadWhileOneIsSentSendsItAgain) {
    follow_web();
    own(kFirst);
    send_later();
    finish();
    own(kSecond);
    send_later();
    follow_web();
    own(kSecond);
    EXPECT_EQ(send_later(), "zone 0: web.home.example [2001:db8:100:1::10] -> [2001:db8:200:1::10]\n");
}

TEST_F(UpdatePlanTest, WhatWasPublishedIsKnownAfterARestart) {
    follow_web();
    own(kFirst);
    send_later();
    finish();
    const nlohmann::json saved = plan_.to_json();
    own(kSecond);
    send_later();
    const nlohmann::json saved_while_sending = plan_.to_json();

    plan_ = UpdatePlan{2};
    ASSERT_TRUE(plan_.from_json(saved));
    follow_web();
    own(kFirst);
    EXPECT_EQ(send_later(), "");
    EXPECT_EQ(record()["state"], "current");
    EXPECT_EQ(record()["last_success"], 1'700'000'000);

    plan_ = UpdatePlan{3};
    ASSERT_TRUE(plan_.from_json(saved_while_sending));
    follow_web();
    own(kFirst);
    EXPECT_EQ(send_later(), "zone 0: web.home.example [2001:db8:100:1::10] -> [2001:db8:100:1::10]\n")
        << "a crash: nobody knows whether the server has the second one";
}

TEST_F(UpdatePlanTest, BrokenFilesAreRefusedWhole) {
    const struct {
        const char *text, *error;
    } kCases[] = {
        {R"({"version": 7, "records": []})", "it is of another version"},
        {R"({"version": 1, "records": [{"record": "a", "addresses": ["x"], "ttl": 1, "uncertain": false}]})",
         "'x' is no address"},
        {R"({"version": 1})", "[json.exception.out_of_range.403] key 'records' not found"},
    };
    for (const auto& [text, error] : kCases) {
        const Result<void> read = plan_.from_json(nlohmann::json::parse(text));
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().message, error);
    }
}

// ---- as commands

TEST_F(UpdatePlanTest, OfNsupdateTheScriptReplacesEachRecordWhole) {
    DnsUpdate update =
        zone("home.example", {{"web.home.example", kNas, 60, {}}, {"any.home.example", kAnywhere, 300, {}}});
    update.by = DnsUpdate::Nsupdate{"2001:db8::53", 5353, "/etc/dishwall/tsig.key"};
    follow({update});
    own(kFirst);
    now_ += UpdatePlan::kSettle;
    const std::vector<UpdateJob> jobs = plan_.take_due(now_);
    ASSERT_EQ(jobs.size(), 1u);
    const Command command = command_for(jobs[0]);
    EXPECT_EQ(command.words, (std::vector<std::string>{"nsupdate", "-t", "8", "-u", "2", "-r", "2", "-k",
                                                       "/etc/dishwall/tsig.key"}));
    EXPECT_EQ(command.input,
              "server 2001:db8::53 5353\n"
              "zone home.example.\n"
              "update delete web.home.example. AAAA\n"
              "update add web.home.example. 60 AAAA 2001:db8:100:1::10\n"
              "update delete any.home.example. AAAA\n"
              "update add any.home.example. 300 AAAA 2001:db8:100:1::20\n"
              "update add any.home.example. 300 AAAA 2001:db8:100:2::20\n"
              "send\n");
}

TEST_F(UpdatePlanTest, AProgramHasTheChangeInItsEnvironment) {
    follow({exec_zone("home.example", "/usr/local/bin/publish", {{"any.home.example", kAnywhere, 60, {}}})});
    own(kFirst);
    send_later();
    finish();
    own(kSecond);
    now_ += UpdatePlan::kSettle;
    const std::vector<UpdateJob> jobs = plan_.take_due(now_);
    ASSERT_EQ(jobs.size(), 1u);
    const Command command = command_for(jobs[0]);
    EXPECT_EQ(command.words, std::vector<std::string>{"/usr/local/bin/publish"});
    EXPECT_EQ(command.environment,
              (std::vector<std::string>{
                  "DISHWALL_HOST=anywhere", "DISHWALL_RECORD=any.home.example", "DISHWALL_ZONE=home.example",
                  "DISHWALL_OLD=2001:db8:100:1::20 2001:db8:100:2::20",
                  "DISHWALL_NEW=2001:db8:200:1::20 2001:db8:200:2::20", "DISHWALL_TTL=60"}));
    EXPECT_EQ(command.input, "");
}

}  // namespace
}  // namespace dishwall
