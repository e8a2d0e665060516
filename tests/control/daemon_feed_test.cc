// SPDX-License-Identifier: BSD-3-Clause
//
// A feed's file is read again while the policy runs; a bad one changes nothing but what is said about it.
#include <filesystem>
#include <fstream>
#include <thread>

#include "daemon_lab.h"

namespace dishwall {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr char kFromBad[] = "in tcp [2001:db8:66::1]:40000 > [2001:db8:aa00:1::10]:443 S";

class DaemonFeed : public DaemonLab {
protected:
    void SetUp() override {
        DaemonLab::SetUp();
        write_feed("2001:db8:66::/48\n");
        daemon->write_config(text(""));
        ASSERT_TRUE(daemon->start()) << daemon->log();
    }
    static std::string text(const std::string& more) {
        return config_text("    drop from feed bad name bad\n    accept tcp 443 to nas name web\n") +
               "feed bad = file \"bad.txt\" refresh 1s stale-after 2s\n" + more;
    }
    [[nodiscard]] std::filesystem::path file() const { return daemon->config().parent_path() / "bad.txt"; }
    // Never half there.
    void write_feed(const std::string& text) const {
        std::ofstream(file().string() + ".new") << text;
        std::filesystem::rename(file().string() + ".new", file());
    }
    json feed() { return daemon->call("Status")["feeds"][0]; }
    bool is_open(const char* packet) {
        return daemon->call("Explain", {{"packet", packet}})["verdict"] == "accept";
    }
    template <typename Condition>
    static bool within(std::chrono::milliseconds patience, const Condition& condition) {
        for (const auto until = std::chrono::steady_clock::now() + patience;
             std::chrono::steady_clock::now() < until; std::this_thread::sleep_for(50ms))
            if (condition()) return true;
        return false;
    }
    unsigned times_in_log(const std::string& what) const {
        unsigned count = 0;
        const std::string log = daemon->log();
        for (std::size_t at = 0; (at = log.find(what, at)) != log.npos; ++at) ++count;
        return count;
    }
};

TEST_F(DaemonFeed, ItsFileIsFollowedAndFlowsAndCountersStay) {
    EXPECT_EQ(feed()["name"], "bad");
    EXPECT_EQ(feed()["path"], file().string());
    EXPECT_EQ(feed()["entries"], 1);
    EXPECT_EQ(feed()["stale"], false);
    EXPECT_EQ(feed()["error"], nullptr);
    EXPECT_FALSE(is_open(kFromBad));
    send(kToWeb);
    write_feed("2001:db8:77::/48\n2001:db8:78::/48\n");
    EXPECT_TRUE(within(3s, [&] { return is_open(kFromBad); })) << daemon->log();
    EXPECT_EQ(feed()["entries"], 2);
    EXPECT_NE(daemon->log().find("feed bad: 2 entries instead of 1"), std::string::npos);
    EXPECT_EQ(daemon->call("Flows")["slots_used"], 1);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
    EXPECT_EQ(daemon->call("Status")["policy_number"], 1);
    const json generation = daemon->call("Status")["generation"];
    std::this_thread::sleep_for(1200ms);
    EXPECT_EQ(daemon->call("Status")["generation"], generation) << "the same entries are no swap";
}

TEST_F(DaemonFeed, ABadFileKeepsTheLastGoodEntriesAndIsSaidOnce) {
    write_feed("2001:db8:77::/48\n2001:db8:78::/129\n");
    EXPECT_TRUE(within(3s, [&] { return feed()["error"].is_string(); }));
    EXPECT_NE(feed()["error"].get<std::string>().find("bad.txt:2: "), std::string::npos) << feed().dump();
    EXPECT_FALSE(is_open(kFromBad)) << "the last good entries";
    std::filesystem::remove(file());
    EXPECT_TRUE(within(4s, [&] { return feed()["stale"] == true; })) << feed().dump();
    EXPECT_NE(feed()["error"].get<std::string>().find("bad.txt: No such file or directory"),
              std::string::npos)
        << feed().dump();
    EXPECT_EQ(times_in_log("stay in force"), 1u) << daemon->log();
    EXPECT_EQ(times_in_log("feed bad is stale"), 1u) << daemon->log();
    write_feed("2001:db8:66::/48\n");
    EXPECT_TRUE(within(3s, [&] { return feed()["error"].is_null(); }));
    EXPECT_EQ(feed()["stale"], false);
    EXPECT_NE(daemon->log().find("is good again"), std::string::npos);
}

TEST_F(DaemonFeed, ItCannotBreakAProtectLine) {
    daemon->write_config(text("protect shop { tcp 443 from 2001:db8:9::/48 to nas }\n"));
    const json loaded = daemon->call("Load");
    ASSERT_EQ(loaded["number"], 2) << loaded.dump();
    write_feed("2001:db8:9::/48\n");
    EXPECT_TRUE(within(3s, [&] { return feed()["error"].is_string(); }));
    EXPECT_NE(feed()["error"].get<std::string>().find("with it, tcp from 2001:db8:9:"), std::string::npos)
        << feed().dump();
    EXPECT_FALSE(is_open(kFromBad)) << "the last good entries";
}

TEST_F(DaemonFeed, AnEarlierPolicyComesBackThoughItsFeedIsGone) {
    daemon->write_config(config_text("    accept tcp 443 to nas name web\n"));
    ASSERT_EQ(daemon->call("Load")["number"], 2);
    EXPECT_TRUE(is_open(kFromBad));
    std::filesystem::remove(file());
    const json back = daemon->call("Rollback");
    EXPECT_EQ(back["number"], 3) << back.dump();
    EXPECT_EQ(feed()["entries"], 0);
    EXPECT_TRUE(feed()["error"].is_string());
    write_feed("2001:db8:66::/48\n");
    EXPECT_TRUE(within(3s, [&] { return !is_open(kFromBad); })) << daemon->log();
}

}  // namespace
}  // namespace dishwall
