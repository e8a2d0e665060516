// SPDX-License-Identifier: BSD-3-Clause
//
// load, confirm, rollback, history, diff: what is asked of the daemon, and what people see of its answers, to
// the letter. Who loads with a deadline must read until when, how to confirm and how to go back.
#include "control/dishctl/policy_views.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "control/dishctl/views.h"
#include "tests/control/dishctl_program.h"
#include "tests/control/dishctl_view_fixture.h"

namespace dishwall {
namespace {

TEST_F(ViewTest, load_says_until_when_and_how_to_confirm_and_how_to_go_back) {
    json reply = canned_load();
    EXPECT_EQ(load_view(reply, kPipe),
              "/x.conf is in force as policy 4: 1 inbound, 0 outbound rules, generation 4\n");
    reply["confirm_by"] = "2026-11-22T13:12:00.500Z";
    EXPECT_EQ("\n" + load_view(reply, kPipe), R"(
/x.conf is in force as policy 4: 1 inbound, 0 outbound rules, generation 4
not confirmed: before 2026-11-22 13:12:00 (in 2 min), say
  dishctl confirm     to keep it
  dishctl rollback    to go back at once
Without a word, the policy before it comes back by itself, also after a crash or a reboot.
)");
    EXPECT_NE(load_view(reply, kColors).find("\x1b[33mnot confirmed"), std::string::npos);
}

TEST_F(ViewTest, history_fits_a_terminal) {
    EXPECT_EQ(trimmed("\n" + policies_view(canned_policies(), kSmall)), R"(
POLICY SINCE               BY        STATE                 IN/OUT FILE
     4 2026-11-22 13:09:00 load      in force, unconfirmed    8/2 /x.conf
     3 2026-11-22 13:05:01 back to 1 was in force             7/2 /etc/dishwall/
     2 2026-11-22 12:00:00 load      reverted               120/0 /etc/dishwall/
     1 2026-11-21 09:30:00 start     was in force             7/2 /etc/dishwall/

policy 4 is not confirmed: before 2026-11-22 13:12:00 (in 2 min), say
  dishctl confirm     to keep it
  dishctl rollback    to go back at once
Without a word, the policy before it comes back by itself, also after a crash or a reboot.
)");
    EXPECT_NE(policies_view(canned_policies(), kPipe).find("120/0 /etc/dishwall/dishwall.conf\n"),
              std::string::npos);
    EXPECT_EQ(policies_view(json::object(), kPipe), "no policy was ever in force\n");
}

TEST_F(ViewTest, diff_is_a_table_of_rules_and_one_of_flows) {
    EXPECT_EQ(trimmed("\n" + diff_view(canned_diff(), kPipe)), R"(
from       policy 3 (/etc/dishwall/dishwall.conf, 2026-11-22 13:05:01)
to         /x.conf

CHANGE  CHAIN    RULE TEXT
changed inbound  web  - accept tcp 443 to nas name web
                      + accept tcp { 80, 443 } to nas rate 200/s per source/64 name web
added   inbound  ping + accept icmpv6 echo-request name ping
removed outbound mail - drop tcp 25 name mail
moved   inbound  ssh    accept tcp 22 from admins to self name ssh

5 open flows would end:
PROTO FROM             TO           STATE       RULE             IN      OUT      LAST         ENDS IN
UDP   192.168.1.7:5000 192.0.2.1:53 established (default-accept)  1 90 B   1 80 B 13:09:59.500 4 min 59 s
and 4 more
)");
    json cut_short = canned_diff();
    cut_short.update({{"flows_judged", 1000}, {"flows_open", 4000}});
    EXPECT_NE(
        diff_view(cut_short, kPipe).find("\nonly 1000 of 4000 open flows were judged: there are too many\n"),
        std::string::npos);
    EXPECT_EQ(diff_view({{"a", {{"number", 3}}}, {"b", {{"number", 2}}}}, kPipe),
              "from       policy 3\nto         policy 2\n\nno rule differs\n\nno open flow would end\n");
}

// On a small terminal nothing of a rule is lost: it goes on in the next line.
TEST_F(ViewTest, diff_wraps_long_rules) {
    const std::string text = diff_view(canned_diff(), kSmall);
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
        EXPECT_LE(end - at, 80u) << text.substr(at, end - at);
    std::string joined;
    for (const char c : text)
        if (c != ' ' && c != '\n') joined.push_back(c);
    EXPECT_NE(joined.find("rate200/spersource/64nameweb"), std::string::npos) << text;
}

TEST_F(ViewTest, status_tells_of_the_policy_and_of_feeds) {
    json status = canned_status();
    status["policy_number"] = 4;
    status["confirm"] = nullptr;
    EXPECT_NE(status_view(status, kPipe).find("\npolicy     4\n"), std::string::npos);
    status["confirm"] = {{"by", "2026-11-22T13:12:00.000Z"}, {"seconds_left", 120}};
    status["feeds"] = canned(R"([
        {"name":"drop6","path":"/etc/f","entries":812,"read_at":"2026-11-22T13:00:00.000Z","stale":false,"error":null,
         "next_read_in":7200},
        {"name":"crowd","path":"/etc/g","entries":3,"read_at":"2026-11-20T13:00:00.000Z","stale":true,
         "error":"/etc/g:7: not a prefix","next_read_in":null}])");
    const std::string text = status_view(status, kPipe);
    EXPECT_NE(
        text.find("\npolicy     4, NOT CONFIRMED: goes back at 2026-11-22 13:12:00 (in 2 min); 'dishctl "
                  "confirm' keeps it\n"),
        std::string::npos)
        << text;
    EXPECT_NE(
        text.find("\nfeed       drop6, 812 entries of 2026-11-22 13:00:00, read again in 2 h\n"
                  "feed       crowd, 3 entries of 2026-11-20 13:00:00, STALE: /etc/g:7: not a prefix\n"),
        std::string::npos)
        << text;
}

// ---- the program

class PolicyVerbs : public DishctlTest {
protected:
    // What the daemon was asked, without what belongs to this process: the connection that it may sit on.
    json said() const {
        json asked = asked_;
        asked.erase("sockets");
        return asked;
    }
};

std::uint64_t inode_of(int fd) {
    struct stat about {};
    EXPECT_EQ(::fstat(fd, &about), 0);
    return about.st_ino;
}

// As sshd does, this process holds a connection that somebody opened, and starts dishctl.
TEST_F(PolicyVerbs, load_tells_over_which_connection_its_caller_sits_here) {
    serve();
    const int listener = ::socket(AF_INET6, SOCK_STREAM, 0), client = ::socket(AF_INET6, SOCK_STREAM, 0);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = IN6ADDR_LOOPBACK_INIT;
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener, generic, size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(::getsockname(listener, generic, &size), 0);
    ASSERT_EQ(::connect(client, generic, size), 0);
    const int accepted = ::accept(listener, nullptr, nullptr);
    for (const char* words : {"load", "rollback"}) {
        EXPECT_EQ(run(words).code, 0);
        const json sockets = asked_.value("sockets", json::array());
        EXPECT_EQ(std::count(sockets.begin(), sockets.end(), json(inode_of(accepted))), 1) << sockets.dump();
    }
    for (const int fd : {listener, client, accepted}) ::close(fd);
}

TEST_F(PolicyVerbs, load_sends_an_absolute_path_and_tells_errors_apart) {
    serve();
    expect("load", 0, "/x.conf is in force as policy 4: 1 inbound, 0 outbound rules, generation 4\n", "");
    EXPECT_EQ(said(), canned(R"({"config":null,"confirm":null,"force":false})"));
    const Ran relative = run("load ./sub/../good.conf", "cd " + directory_.string() + " &&");
    EXPECT_EQ(relative.code, 0);
    EXPECT_EQ(asked_["config"], file("good.conf"));
    expect("load bad.conf", 3, "", "error[E0201]: no\n\ndishctl: bad.conf has 1 error\n");
    expect("load no.conf", 5, "", "dishctl: another uplink\n");
    expect("load oops.conf", 1, "", "dishctl: the kernel says no\n");
}

TEST_F(PolicyVerbs, durations_of_confirm_are_those_of_rule_files) {
    serve();
    for (const auto& [given, seconds] : {std::pair("120s", 120), {"2m", 120}, {"1h", 3600}, {"1d", 86400}}) {
        const Ran ran = run(std::string("load --force /x.conf --confirm ") + given);
        EXPECT_EQ(ran.code, 0) << ran.err;
        EXPECT_EQ(said(), json({{"config", "/x.conf"}, {"confirm", seconds}, {"force", true}})) << given;
        EXPECT_NE(ran.out.find("\n  dishctl confirm     to keep it\n"), std::string::npos) << ran.out;
    }
    for (const char* bad : {"120", "2w", "s", "-5s", "0s", "2d", "25h"}) {
        expect(std::string("load --confirm=") + bad, 2, "",
               std::string("dishctl: --confirm: '") + bad +
                   "' is no duration of 1s to 1d; write it as in rule files: 120s, 2m, 1h\n");
    }
}

TEST_F(PolicyVerbs, rollback_takes_a_number_of_the_history) {
    serve();
    EXPECT_EQ(run("rollback").code, 0);
    EXPECT_EQ(said(), canned(R"({"number":null,"force":false})"));
    EXPECT_EQ(run("rollback 3 --force").code, 0);
    EXPECT_EQ(said(), canned(R"({"number":3,"force":true})"));
    expect("rollback 99", 2, "", "dishctl: there is no policy 99 in the history\n");
    expect("rollback 0x3", 2, "", "dishctl: '0x3' is no number of a policy; 'dishctl history' lists them\n");
}

TEST_F(PolicyVerbs, confirm_history_and_diff_ask_what_was_said) {
    serve();
    expect("confirm", 0, "policy 4 stays in force\n", "");
    (void)run("history");
    EXPECT_EQ(asked_, json::object());
    EXPECT_EQ(json::parse(run("history -j -n 2").out), canned_policies());
    EXPECT_EQ(asked_, canned(R"({"limit":2})"));
    EXPECT_EQ(json::parse(run("diff -j").out), canned_diff());
    EXPECT_EQ(asked_, canned(R"({"a":null,"b":null})"));
    (void)run("diff 3");
    EXPECT_EQ(asked_, canned(R"({"a":3,"b":null})"));
    (void)run("diff 3 new.conf", "cd " + directory_.string() + " &&");
    EXPECT_EQ(asked_, json({{"a", 3}, {"b", file("new.conf")}}));
}

}  // namespace
}  // namespace dishwall
