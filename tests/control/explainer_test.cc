// SPDX-License-Identifier: BSD-3-Clause
#include "control/explanation.h"

#include <gtest/gtest.h>

#include "bpf/core/reason.h"
#include "control/own_writer.h"
#include "policy_maker.h"

namespace dishwall {
namespace {

class Explain : public testing::Test {
protected:
    Explain() : policy_(policy_with("accept tcp 443 to nas name web\ndrop tcp 23 name telnet\n")) {
        own_.prefixes.push_back(
            {*Ipv6Prefix::make(*parse_ipv6("2001:db8:aa00::"), 56), 0, DW_PREFIX_PREFERRED, false});
        EXPECT_TRUE(names_.assign(policy_));
    }

    Explanation explain_outcome(const dw_outcome& outcome, const char* text = kToWeb) {
        return explain(*parse_packet(text), outcome,
                       {policy_,
                        own_,
                        names_,
                        {slots_, flows_},
                        {0, 250, kTimeouts},
                        {0, 0, 250},
                        [this](const Rule&, const Ipv6Address&) { return bucket_; }});
    }

    // All steps, a line each.
    std::string steps(const dw_outcome& outcome, const char* text = kToWeb) {
        std::string all;
        const Explanation explanation = explain_outcome(outcome, text);
        for (const auto& step : explanation.reply["steps"]) all += step.get<std::string>() + "\n";
        return all;
    }

    void use(const std::string& inbound, const std::string& outbound = "default accept\n") {
        policy_ = policy_with(inbound, outbound);
        names_ = CounterRegistry();
        EXPECT_TRUE(names_.assign(policy_));
    }

    static dw_outcome by(dw_verdict verdict, dw_reason reason) {
        dw_outcome outcome{};
        outcome.verdict = static_cast<__u8>(verdict);
        outcome.reason = static_cast<__u8>(reason);
        return outcome;
    }

    static dw_outcome by_rule(dw_verdict verdict, dw_reason reason, std::uint32_t index) {
        dw_outcome outcome = by(verdict, reason);
        outcome.rule = DW_REASONS_MAX + index;
        outcome.rule_index = index;
        return outcome;
    }

    static constexpr char kToWeb[] = "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S";
    static constexpr std::array<__u32, DW_TIMEOUTS> kTimeouts{100, 100, 100, 100, 100, 100, 100, 100};
    RateState bucket_{3, 10, 700};
    std::vector<dw_slots> slots_;
    std::vector<dw_flow> flows_;
    Policy policy_;
    Own own_;
    CounterRegistry names_;
};

TEST_F(Explain, NamesRulePrefixAndHost) {
    const Explanation explanation = explain_outcome(by_rule(DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0));
    const nlohmann::json& reply = explanation.reply;
    EXPECT_TRUE(explanation.agree);
    EXPECT_EQ(reply["verdict"], "accept");
    EXPECT_EQ(reply["reason"], "rule-accept");
    EXPECT_EQ(reply["rule"].dump(), R"({"name":"web","place":"test.conf:10"})");
    EXPECT_EQ(reply["prefix"].dump(),
              R"({"prefix":"2001:db8:aa00::/56","source":"dish.fixed","state":"preferred"})");
    EXPECT_EQ(reply["subnet"], 1);
    EXPECT_EQ(reply["evaluator"].dump(), R"({"rule":"web","verdict":"accept"})");
    EXPECT_EQ(reply["flow"], nullptr);
    EXPECT_EQ(reply["near"], nlohmann::json::array());
    EXPECT_EQ(reply["audited"], nlohmann::json::array());
    EXPECT_EQ(reply["rate"], nullptr);
    EXPECT_EQ("\n" + steps(by_rule(DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0)), R"(
headers: in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S: well formed
sanity: destination 2001:db8:aa00:1::10 is in dish.fixed = 2001:db8:aa00::/56 (preferred), subnet 0x1: host nas
flow: no known flow has this packet
policy: rule web (test.conf:10) matches: accept
verdict: accept (rule-accept: accepted by a rule)
)");
}

TEST_F(Explain, ShoutsWhenTheVerdictsDiffer) {
    const Explanation explanation = explain_outcome(by_rule(DW_DROP, DW_REASON_RULE_DROP, 1));
    EXPECT_FALSE(explanation.agree);
    EXPECT_EQ(explanation.reply["agree"], false);
    EXPECT_EQ(
        explanation.reply["steps"].back(),
        "DISAGREEMENT: the slow evaluator says accept by rule web (test.conf:10). This is a bug in dishwall: "
        "please report it with this output and the rule file");
}

TEST_F(Explain, ShoutsWhenTheSameVerdictHasAnotherRule) {
    dw_outcome outcome{};
    outcome.reason = DW_REASON_DEFAULT_ACCEPT;
    EXPECT_FALSE(explain_outcome(outcome).agree);
}

TEST_F(Explain, TheEvaluatorIsNotAskedAboutWhatIsBuiltIn) {
    dw_outcome outcome{};
    outcome.verdict = DW_DROP;
    outcome.reason = DW_REASON_NOT_OURS;
    const Explanation explanation =
        explain_outcome(outcome, "in tcp [2001:db8:1::1]:1 > [2001:db8:bb00::1]:443");
    EXPECT_TRUE(explanation.agree);
    EXPECT_EQ(explanation.reply["evaluator"], nullptr);
    EXPECT_EQ(explanation.reply["prefix"], nullptr);
    EXPECT_EQ("\n" + steps(outcome, "in tcp [2001:db8:1::1]:1 > [2001:db8:bb00::1]:443"), R"(
headers: in tcp [2001:db8:1::1]:1 > [2001:db8:bb00::1]:443 S: well formed
sanity: destination 2001:db8:bb00::1 is in none of our prefixes: refused (destination is in none of our prefixes)
verdict: drop (not-ours: destination is in none of our prefixes)
)");
}

// ---- each step

TEST_F(Explain, AMalformedPacketEndsAtItsHeaders) {
    EXPECT_EQ(
        steps(by(DW_DROP, DW_REASON_TCP_FLAGS), "in tcp [2001:db8:1::1]:1 > [2001:db8:aa00:1::10]:443 SF"),
        "headers: in tcp [2001:db8:1::1]:1 > [2001:db8:aa00:1::10]:443 FS: refused (TCP flags that no stack "
        "sends "
        "together)\nverdict: drop (tcp-flags: TCP flags that no stack sends together)\n");
}

TEST_F(Explain, ASegmentWithoutAFlowEndsThere) {
    const std::string all =
        steps(by(DW_DROP, DW_REASON_TCP_NO_FLOW), "in tcp [2001:db8:1::1]:1 > [2001:db8:aa00:1::10]:443 A");
    EXPECT_NE(
        all.find("flow: no known flow has this packet: refused (TCP segment that opens nothing and belongs "
                 "to nothing)\nverdict: drop"),
        std::string::npos)
        << all;
}

TEST_F(Explain, AWrongChecksumIsFoundBehindThePolicy) {
    const std::string all = steps(by(DW_DROP, DW_REASON_CHECKSUM));
    EXPECT_NE(
        all.find(
            "policy: accepts it\nadmission: the policy accepts it, and then: refused (wrong checksum on a "
            "packet that would change a flow)\n"),
        std::string::npos)
        << all;
}

TEST_F(Explain, RulesThatNearlyMatchedAndWhyNot) {
    use("accept udp 443 to nas name quic\n"
        "accept tcp 22 to nas name ssh\n"
        "accept tcp 443 from 2001:db8:7::/48 to nas name friends\n"
        "accept tcp 443 to 2001:db8:aa00:1::11 name other\n"
        "accept tcp 21 from 2001:db8:7::/48 to nas name far\n"  // two parts miss
        "accept tcp 443 from any port 53 to nas name odd\n"
        "drop tcp 443 to nas name last\n"
        "accept tcp 80 to nas name behind\n");
    const auto reply = explain_outcome(by_rule(DW_DROP, DW_REASON_RULE_DROP, 6)).reply;
    std::string near;
    for (const auto& one : reply["near"])
        near += one["rule"].get<std::string>() + " " + one["verdict"].get<std::string>() + " " +
                one["misses"].get<std::string>() + " " + one["place"].get<std::string>() + "\n";
    EXPECT_EQ(near,
              "quic accept protocol test.conf:10\n"
              "ssh accept port test.conf:11\n"
              "friends accept from test.conf:12\n"
              "other accept to test.conf:13\n"
              "odd accept sender's port test.conf:15\n");
    EXPECT_TRUE(reply["agree"]) << reply.dump(1);
    EXPECT_EQ(reply["steps"][4], "policy: rule ssh (test.conf:11) (accept) nearly matches: all but its port");
}

TEST_F(Explain, TenNearMissesAreEnough) {
    std::string rules;
    for (int i = 0; i < 15; ++i) rules += fmt::format("accept tcp {} to nas name r{}\n", 1000 + i, i);
    use(rules);
    EXPECT_EQ(explain_outcome(by(DW_DROP, DW_REASON_DEFAULT_DROP)).reply["near"].size(), 10u);
}

TEST_F(Explain, AuditRulesOnTheWayAreNamed) {
    use("audit tcp 443 to nas name watch\naccept tcp 443 to nas name web\n");
    const auto reply = explain_outcome(by_rule(DW_ACCEPT, DW_REASON_RULE_ACCEPT, 1)).reply;
    EXPECT_EQ(reply["audited"].dump(), R"([{"name":"watch","place":"test.conf:10"}])");
    EXPECT_EQ(reply["steps"][3], "policy: audit rule watch (test.conf:10) matches");
}

// The same word is asked by both: whoever is over the rate does not match.
TEST_F(Explain, TheBucketOfTheRuleThatMatched) {
    use("accept tcp 443 to nas rate 10/s burst 10 per source name web\n");
    const auto reply = explain_outcome(by_rule(DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0)).reply;
    EXPECT_EQ(reply["rate"].dump(), R"({"burst":10,"full_in_ms":700,"rule":"web","tokens_left":3})");
    EXPECT_TRUE(reply["agree"]);
    EXPECT_EQ(reply["steps"][4],
              "rate: rule web (test.conf:10) has 3 of 10 tokens left for this source, full in 700 ms");
}

TEST_F(Explain, APacketOverTheRateGoesOnToTheNextRule) {
    use("accept tcp 443 to nas rate 10/s burst 10 name web\n");
    bucket_ = {0, 10, 1000};
    const auto over = explain_outcome(by(DW_DROP, DW_REASON_DEFAULT_DROP)).reply;
    EXPECT_TRUE(over["agree"]) << over.dump(1);
    EXPECT_EQ(over["near"].dump(),
              R"([{"misses":"rate","place":"test.conf:10","rule":"web","verdict":"accept"}])");
    EXPECT_EQ(over["rate"]["tokens_left"], 0);
    EXPECT_FALSE(explain_outcome(by_rule(DW_ACCEPT, DW_REASON_RULE_ACCEPT, 0)).agree);
}

// R28: a packet that leaves, in a flow that the policy in force would not have let in.
TEST_F(Explain, AKnownFlowIsJudgedAgainByItsFirstPacket) {
    use("drop tcp 443 to nas name web\n");
    const char* leaving = "out tcp [2001:db8:aa00:1::10]:443 > [2001:db8:1::1]:40000 A";
    EXPECT_FALSE(explain_outcome(by_rule(DW_DROP, DW_REASON_RULE_DROP, 0), leaving).agree);
    slots_.resize(1);
    flows_.resize(DW_WAYS);
    slots_[0].word[2] = DW_SLOT_LIVE << DW_SLOT_STATUS_SHIFT;
    dw_flow& flow = flows_[2];
    flow.origin = DW_OUTSIDE;
    flow.key = {{0x20010db8aa000001, 0x10}, {0x20010db800010000, 1}, 443, 40000, IPPROTO_TCP, {}};
    const Explanation explanation = explain_outcome(by_rule(DW_DROP, DW_REASON_RULE_DROP, 0), leaving);
    EXPECT_TRUE(explanation.agree) << explanation.reply.dump(1);
    EXPECT_EQ(explanation.reply["steps"][2],
              "flow: known, and judged again: it was opened from outside under another policy");
}

TEST(RateState, TokensAsTheProgramsCountThem) {
    const Rate rate{10, 1, 5, std::nullopt};  // a token in 100 ms
    constexpr std::uint64_t kMs = 1'000'000;
    EXPECT_EQ(state_of(rate, 0, 1000 * kMs), (RateState{5, 5, 0}));
    EXPECT_EQ(state_of(rate, 1001 * kMs, 1000 * kMs), (RateState{4, 5, 1}));
    EXPECT_EQ(state_of(rate, 1400 * kMs, 1000 * kMs), (RateState{1, 5, 400}));
    EXPECT_EQ(state_of(rate, 1401 * kMs, 1000 * kMs), (RateState{0, 5, 401}));
    EXPECT_EQ(state_of(rate, 9999 * kMs, 1000 * kMs), (RateState{0, 5, 500}));  // filled by a slower rule
}

// ---- what may stay ours while sources are renumbered

TEST(CommonPart, KeepsOnlyPrefixesWithTheSameNumber) {
    const auto live = [](const char* text, unsigned source) {
        return LivePrefix{*Ipv6Prefix::make(*parse_ipv6(text), 56), source, DW_PREFIX_PREFERRED, false};
    };
    const Own before{{live("2001:db8:aa00::", 0), live("2001:db8:bb00::", 1), live("2001:db8:cc00::", 0)},
                     {}};
    const Own after{{live("2001:db8:aa00::", 0), live("2001:db8:bb00::", 0), live("2001:db8:dd00::", 0)},
                    {*parse_ipv6("2001:db8::1")}};
    const Own common = common_part(before, after);
    ASSERT_EQ(common.prefixes.size(), 1u);
    EXPECT_EQ(common.prefixes[0], live("2001:db8:aa00::", 0));
    EXPECT_EQ(common.self, after.self);
}

}  // namespace
}  // namespace dishwall
