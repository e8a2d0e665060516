// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl replay`, run as a program, on captures made here.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/control/capture_file.h"
#include "tests/control/dishctl_program.h"
#include "tests/core/packet.h"
#include "tests/dataplane/replay/replay_frames.h"

namespace dishwall {
namespace {

using test::came_in;
using test::Ethernet;
using test::Ipv6;
using test::kAck;
using test::kSyn;
using test::Tcp;
using test::Udp;
using test::went_out;

constexpr const char* kRules = R"(version 1
uplink dish {
    interface eth0
    prefix pd from dhcpv6-pd
    documentation-prefixes allow
}
network lan = dish.pd subnet 1
host nas = lan ::10
policy inbound on dish {
    accept tcp 443 to nas                   name web
    accept icmpv6 echo-request to lan       name ping
}
)";

// The same with the web closed and pings unnamed.
constexpr const char* kOther = R"(version 1
uplink dish {
    interface eth0
    prefix pd from dhcpv6-pd
    documentation-prefixes allow
}
network lan = dish.pd subnet 1
policy inbound on dish {
    drop tcp 443                            name closed
    accept icmpv6 echo-request to lan
}
)";

class Replayed : public DishctlTest {
protected:
    void SetUp() override {
        DishctlTest::SetUp();
        write("my.conf", kRules);
        write("other.conf", kOther);
    }
    void write(const char* name, const std::string& text) const { std::ofstream(file(name)) << text; }

    // A delegation, a connection to the web server, a ping, two scans, a question and its late answer.
    static std::vector<TimedFrame> conversation(bool tells = true) {
        std::vector<test::Bytes> frames;
        if (tells) {
            frames.push_back(test::dhcp_solicit());
            frames.push_back(test::dhcp_reply(test::delegation("2001:db8:aa00::", 56, 1500, 3000)));
        }
        const auto ours = [](const char* host) { return Ipv6{.src = host, .dst = "2001:db8:1::1"}; };
        frames.push_back(came_in(Ethernet{} / Ipv6{} / Tcp{.flags = kSyn, .seq = 100}));
        frames.push_back(
            went_out(Ethernet{} / ours("2001:db8:aa00:1::10") /
                     Tcp{.sport = 443, .dport = 40000, .flags = kSyn | kAck, .seq = 500, .ack = 101}));
        frames.push_back(came_in(Ethernet{} / Ipv6{} / Tcp{.flags = kAck, .seq = 101, .ack = 501}));
        frames.push_back(came_in(Ethernet{} / Ipv6{} / test::Icmp{.type = 128}));
        for (const std::uint16_t port : {22, 23})
            frames.push_back(came_in(Ethernet{} / Ipv6{} / Tcp{.dport = port}));
        frames.push_back(
            went_out(Ethernet{} / ours("2001:db8:aa00:1::20") / Udp{.sport = 5000, .dport = 53}));
        frames.push_back(
            came_in(Ethernet{} / Ipv6{.dst = "2001:db8:aa00:1::20"} / Udp{.sport = 53, .dport = 5000}));
        std::vector<TimedFrame> timed;
        for (test::Bytes& frame : frames)
            timed.push_back(
                {std::move(frame), test::kBegin_ns + static_cast<std::int64_t>(timed.size()) * 10'000'000});
        timed.back().time_ns += 400 * test::kSecond_ns;  // the question's flow is over by then
        return timed;
    }
    [[nodiscard]] json document(const std::string& words, int code = 0) const {
        const Ran ran = run("replay -j " + words);
        EXPECT_EQ(ran.code, code) << ran.err;
        return json::parse(ran.out, nullptr, false);
    }
    [[nodiscard]] std::string words(const std::string& more = "") const {
        return fmt::format("{} --config {} {}", capture_.path(), file("my.conf"), more);
    }

    CaptureFile capture_;
};

TEST_F(Replayed, IsReportedByVerdictReasonAndRule) {
    capture_.write_timed(conversation());
    expect("replay " + words(), 0,
           fmt::format(R"({}: 10 packets in 6 min 40 s, 7 in and 3 out, 747 B
  packet 2     dish.pd: 2001:db8:aa00::/56 is new

VERDICT REASON         RULE PACKETS BYTES
drop    default-drop              3 210 B
accept  flow           web        2 148 B
accept  dhcpv6                    2 191 B
accept  rule-accept    web        1  74 B
accept  rule-accept    ping       1  62 B
accept  default-accept            1  62 B

3 flows: 1 opened from inside, 2 from outside; 2 ended, 1 open at the end
)",
                       capture_.path()),
           "");
}

TEST_F(Replayed, AsOneDocument) {
    capture_.write_timed(conversation());
    const json got = document(words());
    EXPECT_EQ(got["packets"], 10);
    EXPECT_EQ(got["packets_in"], 7);
    EXPECT_EQ(got["packets_out"], 3);
    EXPECT_EQ(got["first"], "2023-11-14T22:13:20.000Z");
    EXPECT_EQ(got["seconds"], 400.09);
    EXPECT_EQ(got["damage"], nullptr);
    EXPECT_EQ(got["line"], json::parse(R"([{"packet": 2, "text": "dish.pd: 2001:db8:aa00::/56 is new"}])"));
    EXPECT_EQ(got["flows"],
              json::parse(R"({"total": 3, "inside": 1, "outside": 2, "ended": 2, "open": 1, "matched": 0})"));
    EXPECT_EQ(got["inspection"], nullptr);
    EXPECT_FALSE(got.contains("against"));
    EXPECT_EQ(got["results"][1], json::parse(R"({"verdict": "accept", "reason": "flow", "rule": "web",
                                                 "place": "my.conf:10", "packets": 2, "bytes": 148})"));
}

TEST_F(Replayed, AgainstAnotherFileItSaysWhatWouldChange) {
    capture_.write_timed(conversation());
    const json got = document(words("--against " + file("other.conf")));
    EXPECT_EQ(got["differing"], 4);
    const auto difference = [](const char* now, const char* then, int packet, int bytes,
                               const char* example) {
        json one = json::parse(fmt::format(R"({{"packets": 1, "flows": 1, {}, {}}})", now, then));
        one["packet"] = packet;
        one["bytes"] = bytes;
        one["example"] = example;
        return one;
    };
    constexpr const char* kWeb = R"("verdict_now": "accept", "rule_now": "web")";
    EXPECT_EQ(got["differences"],
              (json{difference(kWeb, R"("verdict_then": "drop", "rule_then": "closed")", 3, 74,
                               "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S"),
                    difference(kWeb, R"("verdict_then": "accept", "rule_then": null)", 4, 74,
                               "out tcp [2001:db8:aa00:1::10]:443 > [2001:db8:1::1]:40000 SA"),
                    difference(kWeb, R"("verdict_then": "drop", "rule_then": null)", 5, 74,
                               "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 A"),
                    difference(R"("verdict_now": "accept", "rule_now": "ping")",
                               R"("verdict_then": "accept", "rule_then": "other.conf:10")", 6, 62,
                               "in icmpv6 echo-request 2001:db8:1::1 > 2001:db8:aa00:1::10")}))
        << got["differences"].dump(1);
    const Ran ran = run("replay " + words("--against " + file("other.conf")));
    EXPECT_NE(ran.out.find(R"(4 packets would have another verdict, or be decided by another rule

PACKETS FLOWS NOW    BY RULE THEN   BY RULE       FOR EXAMPLE
      1     1 accept web     drop   closed        3: in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S
      1     1 accept web     accept (no rule)     4: out tcp [2001:db8:aa00:1::10]:443 > [2001:db8:1::1]:40000 SA
      1     1 accept web     drop   (no rule)     5: in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 A
      1     1 accept ping    accept other.conf:10 6: in icmpv6 echo-request 2001:db8:1::1 > 2001:db8:aa00:1::10
)"),
              std::string::npos)
        << ran.out;
}

// Rules without a name are the same when they mean the same, wherever they stand.
TEST_F(Replayed, UnnamedRulesOnOtherLinesAreTheSame) {
    std::string rules = kRules;
    for (const char* name : {"name web", "name ping"}) rules.erase(rules.find(name), std::strlen(name));
    write("my.conf", rules);
    rules.insert(rules.find("    accept icmpv6"), "\n\n    drop udp 9\n");
    write("other.conf", rules);
    capture_.write_timed(conversation());
    EXPECT_EQ(document(words("--against " + file("other.conf")))["differing"], 0);
}

TEST_F(Replayed, WhatCameBeforeThePrefixIsCounted) {
    std::vector<TimedFrame> frames = conversation();
    std::rotate(frames.begin(), frames.begin() + 2, frames.begin() + 4);
    capture_.write_timed(frames);
    EXPECT_NE(run("replay " + words())
                  .out.find("2 packets came before the capture says what our prefix was, and were judged "
                            "without; --prefix "
                            "says it from the first packet on\n"),
              std::string::npos);
}

TEST_F(Replayed, TheSameFileChangesNothing) {
    capture_.write_timed(conversation());
    const Ran ran = run("replay " + words("--against " + file("my.conf")));
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find(fmt::format(
                  "\nwith {}:\n3 flows: 1 opened from inside, 2 from outside; 2 ended, 1 open at the "
                  "end\nno packet would have another verdict, or be decided by another rule\n",
                  file("my.conf"))),
              std::string::npos)
        << ran.out;
}

TEST_F(Replayed, APrefixThatTheCaptureDoesNotTellHasToBeSaid) {
    capture_.write_timed(conversation(false));
    expect(
        "replay " + words(), 1, "",
        fmt::format(
            "dishctl: {} does not tell what dish.pd was: there is no DHCPv6 reply or router advertisement in "
            "it that says so, and the networks of {} stand on it; say it: --prefix dish.pd=PREFIX\n",
            capture_.path(), file("my.conf")));
    const json got = document("--prefix dish.pd=2001:db8:aa00::/56 " + words());
    EXPECT_EQ(got["packets"], 8);
    EXPECT_EQ(got["before_prefix"], 0);
    EXPECT_EQ(got["line"],
              json::parse(R"([{"packet": null, "text": "dish.pd: 2001:db8:aa00::/56 is new"}])"));
    EXPECT_EQ(got["results"][1]["rule"], "web");
}

TEST_F(Replayed, ADamagedCaptureIsReportedAsFarAsItIsGood) {
    capture_.write_timed(conversation());
    std::filesystem::resize_file(capture_.path(), std::filesystem::file_size(capture_.path()) - 10);
    const Ran ran = run("replay -j " + words());
    EXPECT_EQ(ran.code, 1);
    const json got = json::parse(ran.out);
    EXPECT_EQ(got["packets"], 9);
    const std::string damage = fmt::format("the capture {} is damaged: ", capture_.path());
    EXPECT_EQ(got["damage"].get<std::string>().find(damage), 0u) << got["damage"];
    EXPECT_EQ(ran.err.find("dishctl: " + damage), 0u) << ran.err;
}

TEST_F(Replayed, WhatWasSaidWronglyIsAnswered) {
    capture_.write_timed(conversation());
    expect("replay " + capture_.path(), 2, "",
           "dishctl: say which rule file: dishctl replay CAPTURE --config FILE\n");
    expect("replay " + words("--prefix dish.wan=2001:db8:aa00::/56"), 2, "",
           "dishctl: --prefix: no prefix is called dish.wan; there are: dish.pd\n");
    expect("replay " + words("--self nas"), 2, "", "dishctl: --self: 'nas' is no IPv6 address\n");
    expect(
        fmt::format("replay /nonexistent.pcap --config {}", file("my.conf")), 1, "",
        "dishctl: cannot read the capture /nonexistent.pcap: /nonexistent.pcap: No such file or directory\n");
    expect(fmt::format("replay {} --config {}", capture_.path(), file("none.conf")), 1, "",
           fmt::format("dishctl: there is no rule file {}\n", file("none.conf")));
    write("bad.conf",
          "version 1\nuplink dish { interface eth0 }\npolicy inbound on dish { accept tcp 443 to nas }\n");
    const Ran ran = run(fmt::format("replay {} --config {}", capture_.path(), file("bad.conf")));
    EXPECT_EQ(ran.code, 3);
    EXPECT_NE(ran.err.find("error["), std::string::npos) << ran.err;
}

TEST_F(Replayed, ACaptureWithoutPacketsIsNoError) {
    capture_.write_timed({});
    const Ran ran = run("replay " + words());
    EXPECT_EQ(ran.code, 0);
    EXPECT_NE(ran.out.find("\nno packets\n"), std::string::npos) << ran.out;
}

TEST_F(Replayed, HostsThatAreLearntAreNamed) {
    std::string rules = kRules;
    rules.insert(rules.find("policy"), "host tokyo = name vpn.example.net\n");
    rules.insert(rules.find("    accept tcp"), "    accept udp 51820 from tokyo to nas name vpn\n");
    write("my.conf", rules);
    capture_.write_timed(conversation());
    EXPECT_EQ(document(words())["hosts_unknown"], json::parse(R"(["tokyo"])"));
    EXPECT_NE(run("replay " + words())
                  .out.find("no address is known of hosts that are learnt while a policy runs: tokyo\n"),
              std::string::npos);
}

#if DISHWALL_INSPECTS
TEST_F(Replayed, MatchesAreListedWithSignatureRuleSourceAndPacket) {
    std::string rules = kRules;
    rules.insert(rules.find("policy"), "signatures web = file \"web.hs\"\n");
    rules.replace(rules.find("to nas  "), 8, "to nas inspect web ");
    write("my.conf", rules);
    write("web.hs", "7:/attack/\n");
    std::vector<TimedFrame> frames = conversation();
    const auto data = [](std::uint32_t seq, const char* text) {
        return came_in(Ethernet{} / Ipv6{} / Tcp{.flags = kAck, .seq = seq, .ack = 501} /
                       test::Payload{{text, text + std::char_traits<char>::length(text)}});
    };
    for (auto frame : {data(101, "an att"), data(107, "ack")}) {
        frames.insert(frames.begin() + (frames.size() == 10 ? 5 : 6), TimedFrame{frame, frames[5].time_ns});
    }
    capture_.write_timed(frames);
    const json without = document(words());
    EXPECT_EQ(without["inspection"], nullptr);
    EXPECT_NE(
        run("replay " + words()).out.find("what was to be inspected was not searched; --signatures does\n"),
        std::string::npos);
    const json got = document(words("--signatures"));
    EXPECT_EQ(got["inspection"]["matched"], 1);
    EXPECT_EQ(got["flows"]["matched"], 1);
    EXPECT_EQ(
        got["inspection"]["matches"][0],
        json::parse(R"({"packet": 7, "time": "2023-11-14T22:13:20.050Z", "signatures": "web", "signature": 7,
                              "rule": "web", "action": "drop", "direction": "in", "banned_s": 0,
                              "IP": {"source": "2001:db8:1::1", "destination": "2001:db8:aa00:1::10",
                                     "ipVersion": "IPv6"},
                              "l4": {"TCP": {"source_port": 40000, "destination_port": 443}}})"));
    const Ran ran = run("replay " + words("--signatures"));
    EXPECT_NE(ran.out.find(R"(9 B searched, 1 match

PACKET SIGNATURE ACTION RULE FROM                  TO
     7 web:7     drop   web  [2001:db8:1::1]:40000 [2001:db8:aa00:1::10]:443
)"),
              std::string::npos)
        << ran.out;
}
#endif

}  // namespace
}  // namespace dishwall
