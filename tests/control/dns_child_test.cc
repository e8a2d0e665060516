// SPDX-License-Identifier: BSD-3-Clause
//
// Real programs under the updater's eye: what they see, what becomes of them, and that the loop goes on.
#include "control/dns/child.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "control/dns/dns_updater.h"
#include "tests/control/dns_policy.h"

namespace dishwall {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

class ChildTest : public testing::Test {
protected:
    void SetUp() override {
        sigset_t child;
        ::sigemptyset(&child);
        ::sigaddset(&child, SIGCHLD);
        ::sigprocmask(SIG_BLOCK, &child, nullptr);
        ASSERT_GE(sd_event_new(&loop_), 0);
        char name[] = "/tmp/dw-dns-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
    }
    void TearDown() override {
        child_.reset();
        updater_.reset();
        sd_event_unref(loop_);
        std::filesystem::remove_all(directory_);
    }
    void start(const Command& command, std::chrono::nanoseconds limit = seconds(10)) {
        auto child =
            Child::start(loop_, command, limit, [this](const std::string& error) { error_ = error; });
        ASSERT_TRUE(child) << child.error().message;
        child_ = std::move(*child);
    }
    // How the program ended: empty for well.
    std::string end_of(const Command& command, std::chrono::nanoseconds limit = seconds(10)) {
        error_.reset();
        start(command, limit);
        run_until([this] { return error_.has_value(); });
        return error_.value_or("it did not end");
    }
    std::string shell(const std::string& script, std::chrono::nanoseconds limit = seconds(10)) {
        return end_of({{"/bin/sh", "-c", script}, {}, {}}, limit);
    }
    template <typename Claim>
    void run_until(const Claim& claim, milliseconds patience = seconds(15)) {
        const auto end = Steady::now() + patience;
        while (!claim() && Steady::now() < end) sd_event_run(loop_, 10'000);
    }
    std::string write(const std::string& name, const std::string& text) const {
        const std::filesystem::path path = directory_ / name;
        std::ofstream(path) << text;
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        return path.string();
    }
    std::string read(const std::string& name) const {
        std::ifstream file(directory_ / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    bool runs(pid_t pid) const { return ::kill(pid, 0) == 0; }

    sd_event* loop_ = nullptr;
    std::filesystem::path directory_;
    std::unique_ptr<Child> child_;
    std::optional<std::string> error_;
    std::unique_ptr<DnsUpdater> updater_;
    std::string changed_, warnings_;
};

TEST_F(ChildTest, HowItEndedIsSaid) {
    EXPECT_EQ(shell("exit 0"), "");
    EXPECT_EQ(shell("echo fine >&2"), "") << "exit 0 is success whatever it says";
    EXPECT_EQ(shell("exit 3"), "/bin/sh ended with status 3");
    EXPECT_EQ(shell("printf 'no\\tsuch\\nthing\\n' >&2; exit 1"), "no such thing");
    EXPECT_EQ(shell("kill -SEGV $$"), "/bin/sh was ended by signal 11");
    EXPECT_EQ(end_of({{"/no/such/program"}, {}, {}}),
              "cannot run /no/such/program: No such file or directory");
    EXPECT_EQ(end_of({{"no-such-program"}, {}, {}}), "cannot run no-such-program: No such file or directory");
}

TEST_F(ChildTest, OfALongSpeechTheEndIsKept) {
    const std::string said = shell("seq 1 200000 >&2; echo the end >&2; exit 1");
    EXPECT_EQ(said.size(), 300u);
    EXPECT_TRUE(said.ends_with("200000 the end")) << said;
}

TEST_F(ChildTest, ItGetsItsInputAndOnlyItsEnvironment) {
    const std::string out = (directory_ / "out").string();
    EXPECT_EQ(end_of({{"/bin/sh", "-c", "cat > " + out}, {}, std::string(300'000, 'x')}), "");
    EXPECT_EQ(read("out"), std::string(300'000, 'x'));
    EXPECT_EQ(end_of({{"/bin/sh", "-c", "/usr/bin/env > " + out}, {"DISHWALL_NEW=a b"}, {}}), "");
    std::multiset<std::string> kept;
    std::string line;
    for (std::istringstream lines(read("out")); std::getline(lines, line);)
        if (!line.starts_with("PWD=") && !line.starts_with("_=") && !line.starts_with("SHLVL="))
            kept.insert(line);
    EXPECT_EQ(kept, (std::multiset<std::string>{"DISHWALL_NEW=a b", "LANG=C.UTF-8",
                                                std::string("PATH=") + Child::kPath}));
}

TEST_F(ChildTest, ItHasNoRightsNoFilesAndNoSignalsOfOurs) {
    const UniqueFd secret(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
    const std::string out = (directory_ / "out").string();
    EXPECT_EQ(shell("grep -E '^(Cap(Prm|Eff|Inh|Amb)|NoNewPrivs|SigBlk|SigIgn):' /proc/self/status > " + out),
              "");
    EXPECT_EQ(read("out"),
              "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
              "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
              "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
    EXPECT_EQ(end_of({{"/bin/bash", "-c", fmt::format("[ ! -e /proc/$$/fd/{} ]", secret.get())}, {}, {}}),
              "");
}

TEST_F(ChildTest, OneThatDoesNotEndIsKilledWithWhatItStarted) {
    const std::string out = (directory_ / "pid").string();
    const auto begun = Steady::now();
    EXPECT_EQ(shell("trap '' TERM; sleep 1000 & echo $! > " + out + "; wait", seconds(1)),
              "/bin/sh did not end within 1 s");
    EXPECT_LT(Steady::now() - begun, seconds(3));
    const pid_t sleeper = std::stoi(read("pid"));
    run_until([&] { return !runs(sleeper); }, seconds(5));
    EXPECT_FALSE(runs(sleeper));
}

TEST_F(ChildTest, TheLoopGoesOnMeanwhile) {
    start({{"/bin/sleep", "1000"}, {}, {}});
    const auto begun = Steady::now();
    run_until([] { return false; }, milliseconds(50));
    EXPECT_LT(Steady::now() - begun, milliseconds(500));
    EXPECT_FALSE(error_);
}

TEST_F(ChildTest, ItEndsWithItsOwner) {
    const std::string out = (directory_ / "pid").string();
    start({{"/bin/sh", "-c", "echo $$ > " + out + "; exec sleep 1000"}, {}, {}});
    run_until([&] { return read("pid").ends_with("\n"); });
    const pid_t pid = std::stoi(read("pid"));
    ASSERT_TRUE(runs(pid));
    child_.reset();
    EXPECT_FALSE(runs(pid)) << "killed and reaped";
    EXPECT_FALSE(error_) << "nobody is told";
}

// ---- the updater with a user's program

class UpdaterTest : public ChildTest {
protected:
    void make() {
        updater_.reset();
        updater_ = std::make_unique<DnsUpdater>(
            loop_, directory_,
            DnsCallbacks{.changed = [this](const std::string& text) { changed_ += text + "\n"; },
                         .warn = [this](const std::string& text) { warnings_ += text + "\n"; }});
        Policy policy = home();
        policy.dns_updates = {
            exec_zone("home.example", (directory_ / "publish").string(), {{"nas.home.example", 0, 60, {}}})};
        const Result<void> followed = updater_->follow(policy);
        ASSERT_TRUE(followed) << followed.error().message;
    }
    std::string state() const { return updater_->json()[0]["records"][0]["state"]; }
    void wait_current() {
        run_until([this] { return state() == "current"; });
        ASSERT_EQ(state(), "current") << updater_->json().dump(2);
    }
};

TEST_F(UpdaterTest, AProgramIsCalledWithTheChange) {
    write("publish",
          "#!/bin/sh\necho \"$DISHWALL_RECORD $DISHWALL_HOST $DISHWALL_ZONE $DISHWALL_TTL "
          "($DISHWALL_OLD) ($DISHWALL_NEW)\" >> " +
              directory_.string() + "/calls\n");
    make();
    updater_->own_in_force(own_of({live("2001:db8:100::/56")}));
    wait_current();
    updater_->own_in_force(own_of({live("2001:db8:200::/56"), live("2001:db8:300::/56")}));
    wait_current();
    EXPECT_EQ(read("calls"),
              "nas.home.example nas home.example 60 () (2001:db8:100:1::10)\n"
              "nas.home.example nas home.example 60 (2001:db8:100:1::10) (2001:db8:200:1::10 "
              "2001:db8:300:1::10)\n");
    EXPECT_EQ(changed_,
              "nas.home.example: AAAA 2001:db8:100:1::10 (not known before)\n"
              "nas.home.example: AAAA 2001:db8:200:1::10, 2001:db8:300:1::10 (was 2001:db8:100:1::10)\n");
    EXPECT_EQ(warnings_, "");

    make();  // a restart
    updater_->own_in_force(own_of({live("2001:db8:200::/56"), live("2001:db8:300::/56")}));
    run_until([] { return false; }, milliseconds(300));
    EXPECT_EQ(state(), "current");
    EXPECT_EQ(std::ranges::count(read("calls"), '\n'), 2) << "what is published already is not sent again";
}

TEST_F(UpdaterTest, AProgramThatFailsIsCalledAgain) {
    write("publish",
          "#!/bin/sh\n[ -e " + directory_.string() + "/works ] && exit 0\necho no credit >&2\nexit 9\n");
    make();
    updater_->own_in_force(own_of({live("2001:db8:100::/56")}));
    run_until([this] { return updater_->json()[0]["records"][0]["attempts"] == 2; });
    EXPECT_EQ(state(), "failing");
    EXPECT_EQ(updater_->json()[0]["records"][0]["error"], "no credit");
    EXPECT_EQ(warnings_, "nas.home.example not published yet: no credit; it is tried again\n");
    write("works", "");
    wait_current();
}

TEST_F(UpdaterTest, ADamagedFileIsSaidAndEverythingIsSentAgain) {
    write("publish", "#!/bin/sh\nexit 0\n");
    write("dns.json", "{ half of");
    make();
    EXPECT_EQ(warnings_, "what was published in the last run is forgotten, all records are sent again: " +
                             directory_.string() + "/dns.json is not JSON\n");
    updater_->own_in_force(own_of({live("2001:db8:100::/56")}));
    wait_current();
}

TEST_F(UpdaterTest, AnUpdateThatIsUnderWayEndsWithTheUpdater) {
    write("publish", "#!/bin/sh\necho $$ > " + directory_.string() + "/pid\nexec sleep 1000\n");
    make();
    updater_->own_in_force(own_of({live("2001:db8:100::/56")}));
    run_until([&] { return read("pid").ends_with("\n"); });
    const pid_t pid = std::stoi(read("pid"));
    updater_.reset();
    EXPECT_FALSE(runs(pid));
    write("publish", "#!/bin/sh\nexit 0\n");
    make();
    EXPECT_EQ(state(), "pending");
}

}  // namespace
}  // namespace dishwall
