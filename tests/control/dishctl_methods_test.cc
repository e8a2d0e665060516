// SPDX-License-Identifier: BSD-3-Clause
//
// A DHCPv6 client's hook against a real daemon: what it tells is in force at once, wrong words change
// nothing, and nobody but root is listened to. The replies that dishctl shows of it have the parts that it
// expects.
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon_lab.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr char kToOld[] = "in tcp [2001:db8:1::1]:40000 > [2001:db8:1100:1::10]:443 S";
constexpr char kToNew[] = "in tcp [2001:db8:1::1]:41000 > [2001:db8:2200:1::10]:443 S";

json told(const char* prefix, unsigned valid, unsigned preferred) {
    return {{"source", "dish.pd"}, {"prefix", prefix}, {"valid", valid}, {"preferred", preferred}};
}

class DaemonTold : public DaemonLab {
protected:
    void SetUp() override {
        DaemonLab::SetUp();
        daemon->write_config(
            "version 1\nuplink dish {\n  interface wan0\n  prefix pd from dhcpv6-pd\n  prefix onlink from "
            "ra\n"
            "  documentation-prefixes allow\n}\nnetwork lan = dish.pd subnet 1\nhost nas = lan ::10\n"
            "host rome = name rome.invalid\npolicy inbound on dish {\n  accept tcp 443 to nas name web\n}\n");
        ASSERT_TRUE(daemon->start()) << daemon->log();
    }
    // "2001:db8:1100::/56 preferred, ..."
    std::string prefixes() const {
        const json reply = daemon->call("Prefix");
        std::string all;
        for (const json& one : reply["prefixes"])
            all += (all.empty() ? "" : ", ") + one["prefix"].get<std::string>() + " " +
                   one["state"].get<std::string>();
        return all;
    }
};

TEST_F(DaemonTold, APrefixIsInForceWhenTheReplyIsThere) {
    send(kToOld);
    EXPECT_EQ(daemon->packets_of_rule("web"), 0u);
    const json set = daemon->call("PrefixSet", told("2001:db8:1100::/56", 300, 150));
    EXPECT_EQ(set["message"], "dish.pd: 2001:db8:1100::/56 is set, valid 300 s, preferred 150 s");
    EXPECT_EQ(set["prefixes"][0]["state"], "preferred") << set.dump();
    send(kToOld);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);

    EXPECT_EQ(daemon->call("PrefixSet", told("2001:db8:2200::/56", 300, 150))["prefixes"].size(), 2u);
    const json gone =
        daemon->call("PrefixWithdraw", {{"source", "dish.pd"}, {"prefix", "2001:db8:1100::/56"}});
    EXPECT_EQ(gone["message"], "dish.pd: 2001:db8:1100::/56 is withdrawn");
    EXPECT_EQ(prefixes(), "2001:db8:1100::/56 grace, 2001:db8:2200::/56 preferred");
    send(kToNew);
    EXPECT_EQ(daemon->packets_of_rule("web"), 2u);
    // Another sender, so that no open flow lets it in.
    send("in tcp [2001:db8:1::1]:42000 > [2001:db8:1100:1::10]:443 S");
    EXPECT_EQ(daemon->packets_of_rule("web"), 2u);

    EXPECT_EQ(daemon->call("PrefixWithdraw", {{"source", "dish.pd"}})["message"],
              "dish.pd: all that was set is withdrawn");
    EXPECT_EQ(prefixes(), "2001:db8:1100::/56 grace, 2001:db8:2200::/56 grace");
}

TEST_F(DaemonTold, HistoryHasTheNewestFirstWithItsTime) {
    (void)daemon->call("PrefixSet", told("2001:db8:1100::/56", 300, 150));
    (void)daemon->call("PrefixWithdraw", {{"source", "dish.pd"}});
    const json changes = daemon->call("PrefixHistory")["changes"];
    ASSERT_EQ(changes.size(), 2u) << changes.dump(1);
    EXPECT_EQ(changes[0]["kind"], "withdrawn");
    EXPECT_EQ(changes[1]["text"], "dish.pd: 2001:db8:1100::/56 is new");
    for (const json& change : changes) {
        EXPECT_EQ(change["prefix"], "2001:db8:1100::/56");
        EXPECT_TRUE(change["enforced_in_us"].is_number()) << change.dump();
    }
    EXPECT_EQ(daemon->call("PrefixHistory", {{"limit", 1}})["changes"], json::array({changes[0]}));
    EXPECT_EQ(daemon->call("PrefixHistory", {{"limit", 0}})["changes"], changes);
}

TEST_F(DaemonTold, WhatIsWrongIsSaidAndChangesNothing) {
    const struct {
        const char* method;
        json parameters;
        const char* expected;
    } kCases[] = {
        {"PrefixSet", json::object(),
         "'source' has to be a prefix source of the rule file, as in \"dish.pd\""},
        {"PrefixSet",
         {{"source", "dish.pd"}},
         "'prefix' has to be an IPv6 prefix, as in \"2001:db8:1100::/56\", and is null"},
        {"PrefixSet", told("2001:db8:1100::1/56", 300, 150),
         "'prefix' has to be an IPv6 prefix, as in \"2001:db8:1100::/56\", and is \"2001:db8:1100::1/56\""},
        {"PrefixSet",
         {{"source", "dish.pd"}, {"prefix", "2001:db8:1100::/56"}, {"valid", -1}},
         "'valid' has to be seconds, 0..4294967295"},
        {"PrefixSet", told("2001:db8:1100::/56", 0, 0),
         "'valid' has to be 1 or more, and 'preferred' no longer than it"},
        {"PrefixSet", told("2001:db8:1100::/56", 150, 300),
         "'valid' has to be 1 or more, and 'preferred' no longer than it"},
        {"PrefixSet", told("2001:db8::/32", 300, 150),
         "2001:db8::/32 cannot be a delegation: it needs a length from /48 to /64 inside 2000::/3"},
        {"PrefixWithdraw",
         {{"source", "dish.dp"}},
         "no prefix is called dish.dp; these can be told: dish.pd"},
        {"PrefixWithdraw",
         {{"source", "dish.pd"}, {"prefix", 56}},
         "'prefix' has to be an IPv6 prefix, as in \"2001:db8:1100::/56\", and is 56"},
        {"PrefixHistory", {{"limit", "all"}}, "'limit' has to be a number, 0 or more"},
    };
    for (const auto& c : kCases) {
        const json reply = daemon->call(c.method, c.parameters);
        EXPECT_EQ(reply.value("error", ""), "org.dishwall.BadInput") << c.parameters.dump();
        EXPECT_EQ(reply.value("message", ""), c.expected);
    }
    EXPECT_EQ(prefixes(), "");
    EXPECT_EQ(daemon->call("PrefixHistory")["changes"], json::array());
}

// The socket's own mode keeps others out, too; here somebody opened it.
TEST_F(DaemonTold, OnlyRootIsListenedTo) {
    const auto socket = daemon->run_dir() / "ctl.sock";
    for (const auto& path : {daemon->run_dir().parent_path(), daemon->run_dir(), socket})
        ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setgroups(0, nullptr) != 0 || ::setresgid(65534, 65534, 65534) != 0 ||
            ::setresuid(65534, 65534, 65534) != 0)
            ::_exit(1);
        const bool asks = daemon->call("Prefix").contains("prefixes");
        const bool sets =
            daemon->call("PrefixSet", told("2001:db8:1100::/56", 300, 150)).value("error", "") !=
            "org.dishwall.Refused";
        const bool withdraws = daemon->call("PrefixWithdraw", {{"source", "dish.pd"}}).value("error", "") !=
                               "org.dishwall.Refused";
        ::_exit(!asks ? 2 : sets ? 3 : withdraws ? 4 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(prefixes(), "");
}

TEST_F(DaemonTold, StatusAndHostsHaveTheirParts) {
    const json status = daemon->call("Status");
    EXPECT_EQ(status["line"]["up"], true) << status.dump(1);
    EXPECT_EQ(status["line"]["ipv4"]["state"], "none");
    EXPECT_EQ(status["hosts"], json({{"devices", 0}, {"addresses", 0}, {"domains", 1}, {"stale", 0}}));
    EXPECT_EQ(status["dns"], json::array());
    EXPECT_EQ(status["state_dir"], daemon->state_dir().string());
    const json hosts = daemon->call("Hosts")["hosts"];
    ASSERT_EQ(hosts.size(), 1u) << hosts.dump();
    EXPECT_EQ(hosts[0]["name"], "rome");
    EXPECT_EQ(hosts[0]["domain"], "rome.invalid");
}

}  // namespace
}  // namespace dishwall
