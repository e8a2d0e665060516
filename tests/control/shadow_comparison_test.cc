// SPDX-License-Identifier: BSD-3-Clause
#include "control/shadow/comparison.h"

#include <gtest/gtest.h>

#include "bpf/core/reason.h"
#include "control/ended_flows.h"
#include "control/packet_text.h"
#include "policy_maker.h"

namespace dishwall {
namespace {

using nlohmann::json;

class Compare : public testing::Test {
protected:
    Compare() : live_(policy_with("accept tcp 443 to nas name web\ndrop tcp 23 name telnet\n")) {
        EXPECT_TRUE(names_.assign(live_));
        own_.prefixes.push_back({*parse_prefix("2001:db8:aa00::/56"), 0, DW_PREFIX_PREFERRED, false});
    }

    void candidate(const std::string& inbound, const std::string& outbound = "default accept\n") {
        comparison_.emplace(policy_with(inbound, outbound));
        comparison_->set_own(own_);
    }

    // What the programs report of a packet: by rule `index` of the live policy, or by nobody.
    void judged(const char* text, dw_verdict verdict, dw_reason reason, int index = -1) {
        const PacketSpec packet = *parse_packet(text);
        dw_event event{};
        event.time_ns = now_ns_ += 1'000'000;
        event.src = {packet.source.hi, packet.source.lo};
        event.dst = {packet.destination.hi, packet.destination.lo};
        event.sport = packet.proto == IPPROTO_ICMPV6 ? packet.icmp_type : packet.source_port;
        event.dport = packet.destination_port;
        event.proto = packet.proto;
        event.verdict = static_cast<__u8>(verdict);
        event.reason = static_cast<__u8>(reason);
        event.direction = packet.direction == Direction::outbound;
        event.rule = index < 0 ? DW_NO_RULE : DW_REASONS_MAX + static_cast<__u32>(index);
        event.kind = DW_EVENT_JUDGED;
        event.missed = missed_;
        comparison_->add(event, names_);
    }

    std::string differences() const {
        std::string all;
        const json report = comparison_->report();
        for (const json& one : report["differences"])
            all += fmt::format("{} {} by {} -> {} by {}: {}\n", one["packets"].get<int>(),
                               one["verdict_now"].get<std::string>(), one["rule_now"].dump(),
                               one["verdict_then"].get<std::string>(), one["rule_then"].dump(),
                               one["example"].get<std::string>());
        return all;
    }

    static constexpr char kToWeb[] = "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S";
    static constexpr char kToTelnet[] = "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:23 S";
    static constexpr char kPing[] = "in icmpv6 echo-request 2001:db8:1::1 > 2001:db8:aa00:1::10";
    Policy live_;
    CounterRegistry names_;
    Own own_;
    std::uint64_t now_ns_ = 5'000'000'000;
    __u32 missed_ = 0;
    std::optional<Comparison> comparison_;
};

TEST_F(Compare, TheSamePolicyDiffersInNothing) {
    candidate("accept tcp 443 to nas name web\ndrop tcp 23 name telnet\n");
    judged(kToWeb, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    judged(kToTelnet, DW_DROP, DW_REASON_RULE_DROP, 1);
    judged(kPing, DW_DROP, DW_REASON_DEFAULT_DROP);
    EXPECT_EQ(comparison_->report().dump(), R"({"differences":[],"judged":3,"missed":0,"unlisted":0})");
}

// Another rule with the same verdict changes nothing for the packet.
TEST_F(Compare, OnlyVerdictsCount) {
    candidate("accept tcp 1-1000 to nas name all\n");
    judged(kToWeb, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    EXPECT_EQ(differences(), "");
}

TEST_F(Compare, DifferencesAreCollectedByWhoDecides) {
    candidate("accept tcp 23 name telnet\naccept icmpv6 echo-request name ping\n");
    judged(kToTelnet, DW_DROP, DW_REASON_RULE_DROP, 1);
    judged(kToWeb, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    judged("in tcp [2001:db8:1::1]:40001 > [2001:db8:aa00:1::10]:443 S", DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    judged(kPing, DW_DROP, DW_REASON_DEFAULT_DROP);
    EXPECT_EQ("\n" + differences(), R"(
2 accept by "web" -> drop by null: in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S
1 drop by null -> accept by "ping": in icmpv6 echo-request 2001:db8:1::1 > 2001:db8:aa00:1::10
1 drop by "telnet" -> accept by "telnet": in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:23 S
)");
}

TEST_F(Compare, OutboundIsAskedOfTheOutboundChain) {
    candidate("accept tcp 443 to nas name web\n", "drop tcp 25 name spam\n");
    judged("out tcp [2001:db8:aa00:1::10]:5000 > [2001:db8:1::1]:25 S", DW_ACCEPT, DW_REASON_DEFAULT_ACCEPT);
    EXPECT_EQ(differences(),
              "1 accept by null -> drop by \"spam\": out tcp [2001:db8:aa00:1::10]:5000 > "
              "[2001:db8:1::1]:25 S\n");
}

TEST_F(Compare, ALateRejectIsADropAtFirst) {
    candidate("reject-late tcp 23 name telnet\n");
    judged(kToTelnet, DW_DROP, DW_REASON_RULE_DROP, 1);
    judged(kToTelnet, DW_REJECT, DW_REASON_RULE_REJECT, 1);
    EXPECT_EQ(differences(), "");
}

TEST_F(Compare, WhatABuiltInCheckRefusesStaysRefused) {
    candidate("drop tcp 443 name web\n");
    judged(kToWeb, DW_DROP, DW_REASON_CHECKSUM, 0);
    EXPECT_EQ(differences(), "");
}

// The default would refuse it, but an inside host keeps the port open: a rule that refuses is stricter.
TEST_F(Compare, AnOpenPortIsStrongerThanADefaultOnly) {
    candidate("accept tcp 443 to nas name web\n");
    judged(kToTelnet, DW_ACCEPT, DW_REASON_INDEPENDENT);
    EXPECT_EQ(differences(), "");
    candidate("drop tcp 23 name telnet\n");
    judged(kToTelnet, DW_ACCEPT, DW_REASON_INDEPENDENT);
    EXPECT_EQ(differences().substr(0, 44), "1 accept by null -> drop by \"telnet\": in tcp");
}

TEST_F(Compare, TheCandidatesRatesCountItsOwnPackets) {
    candidate("accept tcp 443 to nas rate 1/m burst 3 name web\n");
    for (int i = 0; i < 5; ++i) judged(kToWeb, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    EXPECT_EQ(differences().substr(0, 35), "2 accept by \"web\" -> drop by null: ");
}

TEST_F(Compare, EventsOfTwoCpusMayOvertakeEachOther) {
    candidate("accept tcp 443 to nas rate 1/m burst 1 name web\n");
    judged(kToWeb, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    now_ns_ -= 4'000'000;
    judged(kToWeb, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    EXPECT_EQ(differences().substr(0, 35), "1 accept by \"web\" -> drop by null: ");
}

TEST_F(Compare, MissedOnesAreCounted) {
    candidate("accept tcp 443 to nas name web\n");
    missed_ = 7;
    judged(kToWeb, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    judged(kToWeb, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    EXPECT_EQ(comparison_->report()["missed"], 14);
    EXPECT_EQ(comparison_->report()["judged"], 2);
}

TEST_F(Compare, PrefixesThatAreOursNow) {
    candidate("accept tcp 443 to dish.fixed name web\n");
    const char* to_new = "in tcp [2001:db8:1::1]:40000 > [2001:db8:bb00:1::10]:443 S";
    own_.prefixes[0].prefix = *parse_prefix("2001:db8:bb00::/56");
    judged(to_new, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    EXPECT_NE(differences(), "");
    candidate("accept tcp 443 to dish.fixed name web\n");
    judged(to_new, DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0);
    EXPECT_EQ(differences(), "");
}

// ---- flows that would end

FlowSnapshot flow_to(std::uint16_t port, dw_origin origin = DW_OUTSIDE,
                     dw_reason reason = DW_REASON_RULE_ACCEPT) {
    FlowSnapshot snapshot;
    snapshot.flow.key = {{0x20010db8aa000001, 0x10}, {0x20010db800010000, 1}, port, 40000, IPPROTO_TCP, {}};
    snapshot.flow.origin = origin;
    snapshot.flow.reason = reason;
    return snapshot;
}

TEST_F(Compare, FlowsThatTheCandidateWouldNotHaveLetIn) {
    FlowSnapshot ping = flow_to(7);
    ping.flow.key.proto = IPPROTO_ICMPV6;
    ping.flow.key.outside_port = 1;
    FlowSnapshot ipv4 = flow_to(22);
    ipv4.flow.key.inside = ipv4.flow.key.outside = {0, 0xffffc0000201};
    FlowSnapshot mark = flow_to(22);
    mark.flow.key.outside = {};
    const std::vector<FlowSnapshot> flows{flow_to(443),
                                          flow_to(22),
                                          flow_to(22, DW_INSIDE),
                                          flow_to(22, DW_OUTSIDE, DW_REASON_INDEPENDENT),
                                          ping,
                                          ipv4,
                                          mark};
    const auto ended = ended_flows(policy_with("accept tcp 443 rate 1/d burst 1 name web\n"), own_, flows);
    ASSERT_EQ(ended.size(), 2u);
    EXPECT_EQ(ended[0].flow.key.inside_port, 22);
    EXPECT_EQ(ended[1].flow.key.proto, IPPROTO_ICMPV6);
    EXPECT_TRUE(ended_flows(policy_with("accept tcp { 443, 22 }\naccept icmpv6 echo-request\n"), own_, flows)
                    .empty());
}

TEST(OwnFor, SourcesAreMatchedByName) {
    const auto uplink = [](std::initializer_list<const char*> names) {
        Uplink one;
        for (const char* name : names) one.sources.push_back({name, FromDhcpv6Pd{}, {}});
        return one;
    };
    const Own own{{{*parse_prefix("2001:db8:aa00::/56"), 0, DW_PREFIX_PREFERRED, false},
                   {*parse_prefix("2001:db8:bb00::/56"), 1, DW_PREFIX_GRACE, false}},
                  {*parse_ipv6("2001:db8::1")},
                  {},
                  {}};
    const Own other = own_for(own, uplink({"pd", "old"}), uplink({"new", "pd"}));
    ASSERT_EQ(other.prefixes.size(), 1u);
    EXPECT_EQ(to_string(other.prefixes[0].prefix), "2001:db8:aa00::/56");
    EXPECT_EQ(other.prefixes[0].source, 1u);
    EXPECT_EQ(other.self, own.self);
}

}  // namespace
}  // namespace dishwall
