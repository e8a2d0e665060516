// SPDX-License-Identifier: BSD-3-Clause
//
// What an import does where it cannot say what the original says. Each case is a few lines and what becomes
// of packets: nothing may be accepted that the original refuses, or might.
#include "tests/control/import_case.h"

namespace dishwall::test {
namespace {

constexpr char kStranger[] = "2a03::1";

// Rules of the table filter behind the three policies.
Imported from_iptables(const std::string& rules, const std::string& policies = "DROP DROP ACCEPT") {
    std::istringstream words(policies);
    std::string input, forward, output;
    words >> input >> forward >> output;
    const std::string text = "*filter\n:INPUT " + input + " [0:0]\n:FORWARD " + forward + " [0:0]\n:OUTPUT " +
                             output + " [0:0]\n:one - [0:0]\n:two - [0:0]\n" + rules + "COMMIT\n";
    return {
        ImportFormat::ip6tables_save, text, {.uplink = "wan0", .networks = {{"br-lan", 1}, {"br-iot", 2}}}};
}

// tcp to a port of this machine, from a stranger.
std::string to_self(const Imported& imported, int port, const std::string& from = kStranger) {
    return imported.verdict("in " + from + " 2a0d:3344:ff::2 tcp " + std::to_string(port));
}
std::string to_lan(const Imported& imported, int port) {
    return imported.verdict("in 2a03::1 2a0d:3344:aa:1::10 tcp " + std::to_string(port));
}

TEST(ImportDoubt, AnAcceptThatIsNotUnderstoodIsLeftOut) {
    for (const char* what :
         {"-m rpfilter", "-m set --match-set friends src", "-m mark --mark 0x1", "-m eui64",
          "-m conntrack --ctorigdst 2001:db8::1", "-m tcp --tcp-flags ALL SYN", "-m hl --hl-eq 255",
          "-m limit --limit 1/week", "-m addrtype --dst-type ANYCAST", "-m rt --rt-len 3",
          "-m hashlimit --hashlimit-upto 1/s --hashlimit-mode dstip --hashlimit-name x",
          "-m hashlimit --hashlimit-above 1/s --hashlimit-mode srcip --hashlimit-name x"}) {
        const auto imported = from_iptables("-A INPUT -p tcp " + std::string(what) + " -j ACCEPT\n");
        EXPECT_EQ(to_self(imported, 22), "drop") << what;
        EXPECT_NE(imported.remarks_about(what), "") << what;
    }
}

TEST(ImportDoubt, AnAcceptBehindALostDropIsLeftOutWhereTheyMeet) {
    const auto imported = from_iptables(
        "-A INPUT -p tcp -m tcp --dport 22 -m set --match-set bad src -j DROP\n"
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n"
        "-A INPUT -p tcp -m multiport --dports 20:30 -j ACCEPT\n");
    EXPECT_EQ(to_self(imported, 22), "drop");
    EXPECT_EQ(to_self(imported, 25), "drop") << "the whole rule is left out";
    EXPECT_EQ(to_self(imported, 443), "accept");
    EXPECT_EQ(imported.remarks_about("--dport 22 -j ACCEPT"),
              "line 7 comes before it, could not be carried over, and may mean some of these packets: say "
              "what line 7 "
              "does, then take the # away\n");
}

TEST(ImportDoubt, APolicyThatAcceptsRefusesWhatALostDropMayHaveMeant) {
    const auto imported = from_iptables(
        "-A OUTPUT -p tcp -m tcp --dport 25 -m owner --uid-owner 33 -j DROP\n"
        "-A FORWARD -m set --match-set bad src -j DROP\n",
        "DROP ACCEPT ACCEPT");
    EXPECT_EQ(imported.verdict("out 2a0d:3344:ff::2 2a03::1 tcp 25"), "drop");
    EXPECT_EQ(imported.verdict("out 2a0d:3344:ff::2 2a03::1 tcp 443"), "accept");
    EXPECT_EQ(imported.verdict("out 2a0d:3344:aa:1::10 2a03::1 tcp 443"), "drop")
        << "the set may hold anybody";
    EXPECT_EQ(to_lan(imported, 443), "drop");
}

TEST(ImportDoubt, ChainsAreFollowedAndLeft) {
    const auto imported = from_iptables(
        "-A INPUT -p tcp -j one\n"
        "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n"
        "-A one -s 2a01:4f8::/32 -j RETURN\n"
        "-A one -p tcp -m tcp --dport 22 -j RETURN\n"
        "-A one -p tcp -m multiport --dports 80:81 -j DROP\n"
        "-A one -p tcp -m multiport --dports 20:23 -j ACCEPT\n"
        "-A one -p tcp -m tcp --dport 443 -g two\n"
        "-A one -p tcp -m tcp --dport 444 -j ACCEPT\n"
        "-A two -s 2a05::/16 -j ACCEPT\n");
    EXPECT_EQ(to_self(imported, 80), "drop");
    EXPECT_EQ(to_self(imported, 80, "2a01:4f8::1"), "accept");
    EXPECT_EQ(to_self(imported, 444), "accept");
    EXPECT_EQ(to_self(imported, 444, "2a01:4f8::1"), "drop");
    EXPECT_EQ(to_self(imported, 22), "drop") << "returned before it was accepted";
    EXPECT_EQ(to_self(imported, 443), "drop");
    EXPECT_EQ(to_self(imported, 443, "2a05::1"), "accept");
}

TEST(ImportDoubt, ADropBehindAReturnThatCannotBeSaidIsNotOneForThoseThatLeft) {
    const auto imported = from_iptables(
        "-A INPUT -j one\n"
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n"
        "-A one -p tcp -m tcp --dport 22 -m mark --mark 1 -j RETURN\n"
        "-A one -p tcp -m tcp --dport 22 -j DROP\n");
    EXPECT_EQ(to_self(imported, 22), "drop");
    EXPECT_EQ(to_self(imported, 80), "accept");
    EXPECT_NE(imported.remarks_about("-A one -p tcp -m tcp --dport 22 -j DROP"), "");
}

TEST(ImportDoubt, OnlyTheUplinksPacketsAreMeant) {
    const auto imported = from_iptables(
        "-A INPUT -i br-lan -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A INPUT ! -i br-lan -p tcp -m tcp --dport 23 -j ACCEPT\n"
        "-A INPUT ! -i wan0 -j ACCEPT\n"
        "-A INPUT -i wan+ -p tcp -m tcp --dport 24 -j ACCEPT\n"
        "-A FORWARD -i wan0 -o br-lan -p tcp -m tcp --dport 80 -j ACCEPT\n"
        "-A FORWARD -i wan0 ! -o br-lan -p tcp -m tcp --dport 81 -j ACCEPT\n"
        "-A FORWARD -i wan0 -o br+ -p tcp -m tcp --dport 82 -j ACCEPT\n"
        "-A FORWARD -i br-iot -o br-lan -j ACCEPT\n"
        "-A FORWARD -i wan0 -d 2a0d:3344:aa:2::10/128 -o br-lan -p tcp -m tcp --dport 83 -j ACCEPT\n");
    EXPECT_EQ(to_self(imported, 22), "drop");
    EXPECT_EQ(to_self(imported, 23), "accept");
    EXPECT_EQ(to_self(imported, 24), "accept");
    EXPECT_EQ(to_self(imported, 80), "drop") << "FORWARD is not for this machine";
    EXPECT_EQ(to_lan(imported, 80), "accept");
    EXPECT_EQ(to_lan(imported, 81), "drop");
    EXPECT_EQ(imported.verdict("in 2a03::1 2a0d:3344:aa:2::10 tcp 81"), "accept");
    EXPECT_EQ(to_lan(imported, 82), "drop") << "a wildcard for networks has no form";
    EXPECT_EQ(to_lan(imported, 24), "drop") << "INPUT is not for what is behind";
    EXPECT_EQ(imported.verdict("in 2a03::1 2a0d:3344:aa:1::1 tcp 80"), "drop")
        << "this machine's address in the LAN";
}

TEST(ImportDoubt, AddressesOfThisMachineAreNotThoseBehindIt) {
    const auto imported = from_iptables(
        "-A INPUT -d 2a0d:3344:ff::2/128 -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A FORWARD -d 2a0d:3344:aa:1::/64 -p tcp -m tcp --dport 80 -j ACCEPT\n"
        "-A INPUT -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 23 -j ACCEPT\n"
        "-A FORWARD -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 24 -j ACCEPT\n");
    EXPECT_EQ(to_self(imported, 22), "accept");
    EXPECT_EQ(imported.verdict("in 2a03::1 2a0d:3344:aa:1::1 tcp 22"), "drop");
    EXPECT_EQ(to_lan(imported, 22), "drop");
    EXPECT_EQ(to_lan(imported, 80), "accept");
    EXPECT_EQ(imported.verdict("in 2a03::1 2a0d:3344:aa:1::1 tcp 80"), "drop");
    EXPECT_EQ(to_self(imported, 23), "accept");
    EXPECT_EQ(to_lan(imported, 24), "drop");
}

TEST(ImportDoubt, EachTableHasToLetAPacketPass) {
    const Imported imported(
        ImportFormat::ip6tables_save,
        "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 2a06::/16 -j DROP\n"
        "-A PREROUTING -s 2a07::1/128 -j ACCEPT\n-A PREROUTING -p tcp -m tcp --dport 23 -j DROP\nCOMMIT\n"
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 22,23 -j ACCEPT\nCOMMIT\n",
        {.uplink = "wan0"});
    EXPECT_EQ(to_self(imported, 22), "accept");
    EXPECT_EQ(to_self(imported, 22, "2a06::1"), "drop");
    EXPECT_EQ(to_self(imported, 23), "drop");
    EXPECT_EQ(to_self(imported, 22, "2a07::1"), "accept");
    EXPECT_EQ(to_lan(imported, 22), "drop") << "no table says anything about what is forwarded";
}

TEST(ImportDoubt, WhatHoldsWithoutARuleIsNotARule) {
    const auto imported = from_iptables(
        "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
        "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m state --state NEW -j DROP\n"
        "-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN --dport 22 -j ACCEPT\n"
        "-A INPUT -m rt --rt-type 0 -j DROP\n");
    EXPECT_EQ(to_self(imported, 22), "accept");
    EXPECT_EQ(imported.verdict("in 2a03::1 2a0d:3344:ff::2 icmpv6 135"), "drop")
        << "the link's, before any rule";
    EXPECT_EQ(imported.remarks_about("135"),
              "built in: discovery on the link, and errors and replies for known flows\n");
    EXPECT_EQ(imported.remarks_about("NEW"), "built in: only a SYN opens a TCP flow\n");
}

// nft 1.0.6 prints `jump { ... }` as text among its JSON.
TEST(ImportDoubt, WhatNftHasNoJsonForIsNotPassedOver) {
    const Imported imported(ImportFormat::nft, R"({"nftables": [
        {"chain": {"family": "inet", "table": "t", "name": "input",
                   "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
        {"rule": {"family": "inet", "table": "t", "chain": "input", "expr": [
            {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}},
            "jump {\n ip6 saddr 2001::/16 drop\n }"]}},
        {"rule": {"family": "inet", "table": "t", "chain": "input", "expr": [
            {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                       "right": {"range": [22, 23]}}},
            {"accept": null}]}}]})",
                            {.uplink = "wan0"});
    EXPECT_EQ(to_self(imported, 22), "drop");
    EXPECT_EQ(to_self(imported, 23), "accept") << "by the policy";
}

TEST(ImportDoubt, TheUplinkIsNotGuessedAmongLans) {
    const auto made = import_rules(ImportFormat::ip6tables_save,
                                   "*filter\n:INPUT DROP [0:0]\n-A INPUT -i eth1 -j ACCEPT\n-A INPUT -i eth0 "
                                   "-p tcp -j ACCEPT\nCOMMIT\n");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message,
              "which interface faces the Internet cannot be told from these rules, which name eth0, eth1: "
              "say it with "
              "--uplink NAME");
}

TEST(ImportDoubt, OtherTextIsRefused) {
    const auto said = [](ImportFormat format, const char* text) {
        const auto made = import_rules(format, text);
        return made ? std::string("imported") : made.error().message;
    };
    EXPECT_EQ(said(ImportFormat::ip6tables_save, "hello\n"),
              "line 1 is not of ip6tables-save: a table (`*filter`) comes first");
    EXPECT_EQ(said(ImportFormat::ip6tables_save, ""),
              "there is no table in it: `ip6tables-save > FILE` writes one");
    EXPECT_EQ(said(ImportFormat::uci, "config defaults\n"),
              "there is no zone in it: is it OpenWrt's /etc/config/firewall?");
    EXPECT_EQ(said(ImportFormat::uci, "option x\n"),
              "line 1 is not of /etc/config/firewall: expected `config TYPE`, `option NAME VALUE` or `list "
              "NAME VALUE`");
    EXPECT_EQ(said(ImportFormat::nft, "{ \"nftables\": 3 }"),
              "there is no list `nftables` in it: `nft -j list ruleset > FILE` writes one");
    EXPECT_EQ(said(ImportFormat::nft, "{"),
              "this is not JSON; `nft -j list ruleset > FILE` writes what can be read");
}

TEST(Time, ChainsThatCallEachOtherEnd) {
    std::string rules = "-A INPUT -j one\n";
    for (int i = 0; i < 200; ++i) rules += "-A one -j two\n-A two -j one\n";
    for (const char* policy : {"ACCEPT", "DROP"}) {
        const auto made = import_rules(ImportFormat::ip6tables_save,
                                       "*filter\n:INPUT " + std::string(policy) +
                                           " [0:0]\n:one - [0:0]\n:two - [0:0]\n" + rules + "COMMIT\n");
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().message,
                  "these are more than 100000 rules once chains are written out where they are used");
    }
}

TEST(ImportDoubt, ForeignWordsStayInTheirComments) {
    const auto imported = from_iptables(
        "-A INPUT -p tcp -m tcp --dport 22 -m comment --comment \"x\\\\\" -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 23 -m comment --comment \"accept } policy \xff\" -j ACCEPT\n");
    EXPECT_EQ(to_self(imported, 22), "accept");
    EXPECT_EQ(to_self(imported, 24), "drop");
}

}  // namespace
}  // namespace dishwall::test
