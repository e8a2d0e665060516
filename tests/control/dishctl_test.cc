// SPDX-License-Identifier: BSD-3-Clause
//
// What people see of the daemon's replies, to the letter; and dishctl itself, run as a program against a
// daemon that is only a socket with canned replies: exit codes, JSON, and one-line errors that say what to
// do.
#include <algorithm>

#include "control/dishctl/flow_views.h"
#include "control/dishctl/text.h"
#include "control/dishctl/verbs.h"
#include "control/dishctl/views.h"
#include "tests/control/dishctl_program.h"
#include "tests/control/dishctl_view_fixture.h"

namespace dishwall {
namespace {

TEST_F(ViewTest, status) {
    EXPECT_EQ(trimmed("\n" + status_view(canned_status(), kPipe)), R"(
uplink     dish on eth0 (index 2), XDP generic (slower than native), egress tcx
line       up
IPv4       100.72.3.4: online behind CGNAT
IPv6       a /56 is delegated
delegated  2001:db8:2200::/56, valid for another 4 min 55 s, preferred for 2 min 25 s
last RA    12 s ago
guard      nftables table inet dishwall-eth0, held back 12 packets in, 3 out
rule file  /etc/dishwall/dishwall.conf, loaded 2026-11-22 13:05:01, generation 3
rules      7 inbound, 2 outbound
image      12 KiB of 64 MiB, 8.0 MiB held in 2 chunks
inbound    7 services; at worst 4 memory accesses in a row, 1 rule compared
outbound   0 services, 40 other lines in 3 tuples; at worst 21 memory accesses in a row, 9 rules compared
flow table 131072 flows at most, 17 MiB
daemon     dishwalld 0.1.0, process 4711, layout 1, pins in /sys/fs/bpf/dishwall
router     fe80::1, for another 4 min 55 s
hosts      2 devices, 3 names with 5 addresses, 2 of them stale
inspection dishwall-inspect works, behind dwi0-eth0
inspected  15.0 % of 8000 packets, 84.8 % no longer in 7 flows found clean
inspector  1200 frames given, 1200 taken, 1190 handed back, 1.0 MiB looked through
matches    3 stopped a packet, 1 only told; 3 flows ended, 2 sources refused for a while
refused    2 say other bytes than were there before, 1 have a wrong checksum
failures   15 packets passed uninspected, 5 packets dropped; 4 could not be looked into

SOURCE      PREFIX             STATE              LIFETIME
dish.pd     2001:db8:1100::/56 grace              gone in 4 min
dish.pd     2001:db8:2200::/56 preferred
dish.pd     2001:db8:3300::/56 grace              gone 1 min 30 s after the line is up
dish.onlink 2001:db8:ffff::/64 deprecated on-link valid 4 min 55 s, preferred 0 s

RECORD           HOST STATE   PUBLISHED
web.home.example nas  current 2001:db8:2200:1::10 for 5 min
cam.home.example cam  failing -                   REFUSED by the server; again in 1 min
)");
}

// R34, R35: what is not enforced is said first.
TEST_F(ViewTest, status_of_an_uplink_that_is_not_armed) {
    const auto first_lines = [](const json& status) {
        const std::string text = status_view(status, kPipe);
        return text.substr(0, text.find("rule file"));
    };
    json status = canned_status();
    status.erase("line");
    status.update({{"state", "waiting"}, {"ifindex", 0}, {"xdp_mode", nullptr}, {"egress", nullptr}});
    EXPECT_EQ(first_lines(status),
              "uplink     dish: waiting for eth0, and nothing passes through that name until it is armed\n"
              "guard      nftables table inet dishwall-eth0, held back 12 packets in, 3 out\n");
    status.update(
        {{"state", "closed"}, {"ifindex", 9}, {"trouble", "another XDP program (id 7) is on eth0"}});
    status["guard"]["trouble"] = "table inet dishwall-eth0: nftables refuses: Operation not permitted";
    EXPECT_EQ(first_lines(status),
              "uplink     dish: eth0 (index 9) is CLOSED: another XDP program (id 7) is on eth0\n"
              "guard      NOT as it should be: table inet dishwall-eth0: nftables refuses: Operation not "
              "permitted\n");
}

TEST_F(ViewTest, prefix) {
    EXPECT_EQ(trimmed("\n" + prefix_view(canned_prefix(), kSmall)), R"(
SOURCE      PREFIX             STATE              LIFETIME
dish.pd     2001:db8:1100::/56 grace              gone in 4 min
dish.pd     2001:db8:2200::/56 preferred
dish.pd     2001:db8:3300::/56 grace              gone 1 min 30 s after the line
dish.onlink 2001:db8:ffff::/64 deprecated on-link valid 4 min 55 s, preferred 0

this box   2001:db8:2200:1::1 fe80::1
last change was in force 85 us after the kernel told of it
)");
    EXPECT_EQ(
        prefix_view(json::object(), kPipe),
        "no prefix is known yet: nothing behind the line can be reached\n\nthis box   has no address\n");
}

TEST_F(ViewTest, counters_that_counted) {
    EXPECT_EQ(trimmed("\n" + counters_view(canned_counters(), kPipe, false)), R"(
VERDICT REASON       PACKETS   BYTES MEANING
accept  flow          123456  94 MiB belongs to a known flow
drop    default-drop      17 1.2 KiB dropped by the policy's default

VERDICT RULE PACKETS   BYTES CHAIN   PLACE
accept  web       42 3.0 KiB inbound dishwall.conf:12
reject  old        1    74 B gone    dishwall.conf:9

only what counted something is shown; --all shows the rest
)");
    EXPECT_EQ(counters_view(json::object(), kPipe, true),
              "no packet has been judged yet\n\nno rule has matched a packet\n");
}

TEST_F(ViewTest, counters_all) {
    const std::string text = counters_view(canned_counters(), kPipe, true);
    EXPECT_NE(text.find("drop    no-policy          0     0 B no policy image is loaded\n"),
              std::string::npos);
    EXPECT_NE(text.find("accept  ssh        0     0 B inbound dishwall.conf:13\n"), std::string::npos);
    EXPECT_EQ(text.find("--all"), std::string::npos);
}

TEST_F(ViewTest, flows_by_last_seen_uncut_without_a_terminal) {
    EXPECT_EQ(trimmed("\n" + flows_view(canned_flows(), kPipe)), R"(
PROTO        FROM                  TO                        STATE       RULE             IN        OUT         LAST         ENDS IN
UDP          192.168.1.7:5000      192.0.2.1:53              established (default-accept)  1   90 B   1    80 B 13:09:59.500 4 min 59 s
TCP          [2001:db8:9::1]:40000 [2001:db8:2200:1::10]:443 established web              10 1000 B  12 117 KiB 13:09:58.000 2 h 3 min
ICMPv6 id 77 2001:db8:2200:1::10   2001:db8:9::1             unanswered  (default-accept)  0    0 B   3   312 B 13:09:02.000 2 s

3 of 5000 flows; --limit 0 shows all
)");
    EXPECT_EQ(flows_view(json::object(), kPipe), "no flows\n");
}

TEST_F(ViewTest, flows_on_a_small_terminal_keep_whole_addresses) {
    EXPECT_EQ(trimmed("\n" + flows_view(canned_flows(), kSmall)), R"(
PROTO  FROM / TO                 STATE / RULE     IN     OUT     LAST
UDP    192.168.1.7:5000          established      1      1       13:09:59
       192.0.2.1:53              (default-accept) 90 B   80 B
TCP    [2001:db8:9::1]:40000     established      10     12      13:09:58
       [2001:db8:2200:1::10]:443 web              1000 B 117 KiB
ICMPv6 2001:db8:2200:1::10       unanswered       0      3       13:09:02
id 77  2001:db8:9::1             (default-accept) 0 B    312 B

3 of 5000 flows; --limit 0 shows all
)");
}

TEST_F(ViewTest, explain) {
    EXPECT_EQ("\n" + explain_view(canned_explain(), kPipe), R"(
  the packet: in tcp ...
  no known flow has this packet
  rule web (dishwall.conf:12) matches: accept
accept: accepted by a rule, rule web at dishwall.conf:12
)");
    json other = canned_explain();
    other["agree"] = false;
    EXPECT_NE(explain_view(other, kPipe).find("THE PROGRAM AND THE EVALUATOR DISAGREE"), std::string::npos);
}

TEST_F(ViewTest, events) {
    EXPECT_EQ(event_view(canned_drop(), kPipe),
              "13:05:01.250 drop   in  TCP [2001:db8:9::1]:40000 > [2001:db8:2200:1::10]:22, 74 bytes: "
              "default-drop "
              "(12 before it not shown)\n");
    // R21: what was let through, and still is worth a word.
    json second = canned_drop();
    second.update({{"kind", "accept"},
                   {"IP", {{"source", "fe80::bad"}, {"destination", "ff02::1"}, {"ipVersion", "IPv6"}}},
                   {"l4", {{"ICMPv6", {{"type", 134}, {"code", 0}}}}},
                   {"reason", "second-router"},
                   {"drop_reason_desc", nullptr},
                   {"length", 118},
                   {"skipped", 0}});
    EXPECT_EQ(event_view(second, kPipe),
              "13:05:01.250 accept in  ICMPv6 134/0 fe80::bad > ff02::1, 118 bytes: second-router\n");
    EXPECT_EQ(event_view(canned_change(), kPipe), "13:05:02.000 prefix dish.pd: 2001:db8:2200::/56 is new\n");
}

TEST_F(ViewTest, colors_only_when_asked_for) {
    EXPECT_NE(prefix_view(canned_prefix(), kColors).find("\x1b[32m"), std::string::npos);
    EXPECT_NE(event_view(canned_drop(), kColors).find("\x1b[31mdrop"), std::string::npos);
    for (const View& view : {kPipe, kSmall}) {
        EXPECT_EQ(prefix_view(canned_prefix(), view).find('\x1b'), std::string::npos);
        EXPECT_EQ(event_view(canned_drop(), view).find('\x1b'), std::string::npos);
    }
}

TEST_F(ViewTest, text_from_the_daemon_cannot_steer_the_terminal) {
    json hostile = canned_counters();
    hostile["rules"][0]["name"] = "a\x1b[2Jb";
    EXPECT_EQ(counters_view(hostile, kPipe, true).find('\x1b'), std::string::npos);
    json status = canned_status();
    status["config"] = "/tmp/\x1b]0;x\x07";
    EXPECT_EQ(status_view(status, kPipe).find('\x1b'), std::string::npos);
}

TEST_F(ViewTest, reply_of_another_version_still_shows) {
    EXPECT_NO_THROW((void)status_view(json::object(), kPipe));
    EXPECT_NO_THROW((void)explain_view(json::object(), kPipe));
    EXPECT_NO_THROW((void)event_view(json::object(), kPipe));
    EXPECT_NO_THROW((void)flows_view({{"flows", {json::object()}}}, kSmall));
}

TEST(TextTest, units) {
    const struct {
        std::string made, expected;
    } kCases[] = {
        {bytes_text(0), "0 B"},
        {bytes_text(1023), "1023 B"},
        {bytes_text(1024), "1.0 KiB"},
        {bytes_text(10'239), "10 KiB"},
        {bytes_text(1'048'300), "1.0 MiB"},
        {bytes_text(~0ull), "16 EiB"},
        {duration_text(-5), "0 s"},
        {duration_text(59), "59 s"},
        {duration_text(60), "1 min"},
        {duration_text(295), "4 min 55 s"},
        {duration_text(7440), "2 h 4 min"},
        {duration_text(90'000), "1 d 1 h"},
        {clock_text("soon"), "soon"},
    };
    for (const auto& c : kCases) EXPECT_EQ(c.made, c.expected);
}

// ---- the program

TEST_F(DishctlTest, daemon_that_is_not_there_is_exit_4_and_names_the_socket) {
    const std::string hint = "; start it (systemctl start dishwalld), or name its directory with --run-dir\n";
    for (const char* words : {"status", "flows", "counters", "prefix", "prefix history", "hosts",
                              "prefix withdraw dish.pd", "monitor", "load", "load --confirm 2m", "confirm",
                              "rollback", "history", "diff", "-j status", "explain 'in tcp'"})
        expect(words, 4, "", "dishctl: no dishwalld here: there is no " + file("ctl.sock") + hint);
    expect("unload", 4, "",
           "dishctl: no dishwalld here: there is no " + file("ctl.sock") + hint +
               "dishctl: if no daemon runs, 'dishwalld --unload' takes off what one left behind\n");
}

TEST_F(DishctlTest, wrong_usage_is_exit_2) {
    for (const char* words : {"",
                              "frobnicate",
                              "status now",
                              "check",
                              "explain",
                              "flows --limit many",
                              "--nonsense",
                              "audit rfc1",
                              "doctor now",
                              "prefix now",
                              "prefix set dish.pd",
                              "prefix --limit 3",
                              "load a b",
                              "load --confirm soon",
                              "load --confirm 0s",
                              "rollback yesterday",
                              "diff 1 2 3",
                              "fmt",
                              "fmt --check --write x.conf",
                              "explain-error E9999",
                              "import nft",
                              "import pf x",
                              "import nft x --network lan",
                              "shadow",
                              "shadow x.conf --for 5",
                              "explain --pcap x sideways",
                              "confirm 4"}) {
        const Ran ran = run(words);
        EXPECT_EQ(ran.code, 2) << words;
        EXPECT_EQ(ran.out, "") << words;
        EXPECT_EQ(ran.err.substr(0, 9), "dishctl: ") << words;
        EXPECT_EQ(std::ranges::count(ran.err, '\n'), 1) << ran.err;
    }
}

TEST_F(DishctlTest, help_has_examples_for_every_verb) {
    const std::string all = run("--help").out;
    for (const Verb& verb : all_verbs()) {
        const std::string name = verb.name;
        const Ran ran = run(name + " --help");
        EXPECT_EQ(ran.code, 0);
        EXPECT_NE(ran.out.find("Examples:\n  "), std::string::npos) << ran.out;
        EXPECT_NE(std::string(verb.examples).find("dishctl " + name), std::string::npos) << name;
        EXPECT_NE(all.find("\n  " + name + " "), std::string::npos) << all;
    }
    EXPECT_EQ(all.find("complete"), std::string::npos);
}

TEST_F(DishctlTest, json_before_and_behind_the_verb) {
    serve();
    EXPECT_EQ(json::parse(run("-j status").out), canned_status());
    EXPECT_EQ(json::parse(run("status -j").out), canned_status());
    EXPECT_EQ(json::parse(run("flows -j").out), canned_flows());
    EXPECT_EQ(json::parse(run("counters -j").out), canned_counters());
    EXPECT_EQ(json::parse(run("prefix -j").out), canned_prefix());
    EXPECT_EQ(json::parse(run("prefix history -j").out), canned_history());
    EXPECT_EQ(json::parse(run("hosts -j").out), canned_hosts());
    EXPECT_EQ(json::parse(run("explain 'in tcp' -j").out), canned_explain());
    EXPECT_EQ(run("version -j").out, "{\"dishctl\":\"0.1.0\",\"dishwalld\":\"9.9\"}\n");
}

TEST_F(DishctlTest, tables_are_shown_uncut_in_a_pipe) {
    serve();
    EXPECT_EQ(run("counters").out, counters_view(canned_counters(), kPipe, false));
    EXPECT_EQ(run("counters --all").out, counters_view(canned_counters(), kPipe, true));
    EXPECT_EQ(run("flows", "TZ=UTC").out.substr(0, 20), flows_view(canned_flows(), kPipe).substr(0, 20));
    EXPECT_EQ(run("unload").out, "eth0 is open\n");
}

TEST_F(DishctlTest, rules_and_hosts_that_are_named_are_shown_alone) {
    serve();
    const Ran rules = run("counters ssh web");
    EXPECT_EQ(rules.code, 0) << rules.err;
    EXPECT_EQ(rules.out,
              "VERDICT RULE PACKETS   BYTES CHAIN   PLACE\n"
              "accept  ssh        0     0 B inbound dishwall.conf:13\n"
              "accept  web       42 3.0 KiB inbound dishwall.conf:12\n");
    EXPECT_EQ(json::parse(run("hosts -j tv").out)["hosts"], json::array({canned_hosts()["hosts"][1]}));
    expect("counters ssh www", 1, "", "dishctl: no rule is called www\n");
    expect("hosts all", 1, "", "dishctl: no host is called all\n");
}

TEST_F(DishctlTest, limit_is_passed_on_only_when_given) {
    serve();
    (void)run("flows");
    EXPECT_EQ(asked_, json::object());
    (void)run("flows -n 0");
    EXPECT_EQ(asked_, json({{"limit", 0}}));
}

TEST_F(DishctlTest, words_behind_prefix_reach_the_daemon) {
    serve();
    const auto run_well = [&](const std::string& words) {
        const Ran ran = run(words);
        EXPECT_EQ(ran.code, 0) << words << ": " << ran.err;
        return ran.out;
    };
    EXPECT_EQ(run_well("prefix set dish.pd 2001:db8:1100::/56 valid 300 preferred 150"),
              "dish.pd: 2001:db8:1100::/56 is set\n");
    EXPECT_EQ(asked_,
              canned(R"({"source":"dish.pd","prefix":"2001:db8:1100::/56","valid":300,"preferred":150})"));
    EXPECT_EQ(run_well("prefix withdraw dish.pd"), "dish.pd: all that was set is withdrawn\n");
    EXPECT_EQ(asked_, canned(R"({"source":"dish.pd"})"));
    run_well("prefix withdraw dish.pd 2001:db8:1100::/56");
    EXPECT_EQ(asked_, canned(R"({"source":"dish.pd","prefix":"2001:db8:1100::/56"})"));
    run_well("prefix history");
    EXPECT_EQ(asked_, json::object());
    run_well("prefix history -n 3");
    EXPECT_EQ(asked_, canned(R"({"limit":3})"));
    expect(
        "prefix 2001:db8:1100::/56", 2, "",
        "dishctl: 'prefix' knows no word '2001:db8:1100::/56'; write history, set or withdraw behind it, or "
        "nothing\n");
    expect("prefix --limit 3", 2, "",
           "dishctl: --limit is for the history; write: dishctl prefix history --limit N\n");
}

TEST_F(DishctlTest, explain_exits_1_when_program_and_evaluator_differ) {
    serve();
    EXPECT_EQ(run("explain 'in tcp'").code, 0);
    EXPECT_EQ(run("explain differ").code, 1);
    expect("explain nonsense", 2, "", "dishctl: no packet: nonsense\n");
}

TEST_F(DishctlTest, monitor_prints_events_until_it_has_enough) {
    serve();
    const Ran ran = run("monitor --count 2 -j");
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.out, canned_drop().dump() + "\n" + canned_change().dump() + "\n");
    EXPECT_EQ(run("monitor -c 1", "TZ=UTC").out, event_view(canned_drop(), kPipe));
}

}  // namespace
}  // namespace dishwall
