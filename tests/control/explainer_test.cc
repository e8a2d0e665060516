// SPDX-License-Identifier: BSD-3-Clause
#include "control/explainer.h"

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
                       {policy_, own_, names_, {}, {0, 250, kTimeouts}, {0, 0, 250}});
    }

    static dw_outcome by_rule(dw_verdict verdict, dw_reason reason, std::uint32_t index) {
        dw_outcome outcome{};
        outcome.verdict = static_cast<__u8>(verdict);
        outcome.reason = static_cast<__u8>(reason);
        outcome.rule = DW_REASONS_MAX + index;
        outcome.rule_index = index;
        return outcome;
    }

    static constexpr char kToWeb[] = "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S";
    static constexpr std::array<__u32, DW_TIMEOUTS> kTimeouts{};
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
    EXPECT_EQ(
        reply["steps"][1],
        "destination 2001:db8:aa00:1::10 is in dish.fixed = 2001:db8:aa00::/56 (preferred), subnet 0x1: "
        "host nas");
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
    EXPECT_EQ(explanation.reply["steps"][1], "destination 2001:db8:bb00::1 is in none of our prefixes");
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
