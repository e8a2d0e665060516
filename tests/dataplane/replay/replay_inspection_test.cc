// SPDX-License-Identifier: BSD-3-Clause
//
// What rules send to be inspected, through the inspector's own engine.
#include "dataplane/replay/inspection.h"

#include <gtest/gtest.h>

#include "dataplane/replay/ours.h"
#include "dataplane/replay/replay.h"
#include "tests/core/world.h"
#include "tests/dataplane/replay/replay_frames.h"

namespace dishwall::test {
namespace {

class QuietLine final : public Line {
public:
    bool before(const CapturedFrame&) override { return false; }
    bool passed(const CapturedFrame&) override { return false; }
    [[nodiscard]] Direction direction_of(const CapturedFrame& frame) const override {
        return source_mac(frame.bytes) == kUplinkMac ? Direction::outbound : Direction::inbound;
    }
    [[nodiscard]] const Own& own() const override { return own_; }

private:
    Own own_ = world_own();
};

class Inspections : public ::testing::Test {
protected:
    void begin(const std::string& signatures_options, bool signatures = true) {
        std::string rules = world_rules_with("",
                                             "accept tcp 8000 to nas inspect web name watched\n"
                                             "accept udp 8002 to nas inspect web name games");
        rules.insert(rules.find("host nas"), "signatures web = file \"web.hs\" " + signatures_options + "\n");
        policy_ = read_or_throw(rules);
        Result<ReplaySide> side = ReplaySide::make(policy_, line_);
        ASSERT_TRUE(side) << side.error().message;
        side_.emplace(std::move(*side));
        ASSERT_TRUE(!signatures || side_->search_signatures());
    }
    ReplayDecision judge(const Bytes& bytes) {
        time_ns_ += 1'000'000;
        const CapturedFrame frame = captured(bytes, time_ns_, ++number_);
        EXPECT_TRUE(side_->meet(frame));
        return side_->judge(frame, line_.direction_of(frame)).value();
    }
    static Packet peer(std::uint8_t flags, std::uint32_t seq, const std::string& text = "") {
        return Ethernet{} / Ipv6{} / Tcp{.dport = 8000, .flags = flags, .seq = seq, .ack = 501} /
               Payload{{text.begin(), text.end()}};
    }
    static Bytes fragment(std::uint16_t offset, bool more, const Bytes& bytes) {
        return came_in(Ethernet{} / Ipv6{} / Fragment{.offset = offset, .more = more, .id = 9, .next = 17} /
                       Payload{bytes});
    }
    void open() {
        EXPECT_EQ(judge(came_in(peer(kSyn, 100))).verdict, ReplayVerdict::accept);
        EXPECT_EQ(
            judge(went_out(Ethernet{} / Ipv6{.src = "2001:db8:aa00:1::10", .dst = "2001:db8:1::1"} /
                           Tcp{.sport = 8000, .dport = 40000, .flags = kSyn | kAck, .seq = 500, .ack = 101}))
                .verdict,
            ReplayVerdict::accept);
    }
    [[nodiscard]] const InspectionReport& report() const { return side_->inspection()->report(); }

    QuietLine line_;
    Policy policy_;
    std::optional<ReplaySide> side_;
    std::int64_t time_ns_ = kBegin_ns;
    std::uint64_t number_ = 0;
};

TEST_F(Inspections, ASignatureSplitOverSegmentsIsFoundAtItsLastByte) {
    begin("");
    open();
    const std::string text = "an attack";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const ReplayDecision got =
            judge(came_in(peer(kAck, 101 + static_cast<std::uint32_t>(i), text.substr(i, 1))));
        const bool last = i + 1 == text.size();
        EXPECT_EQ(got.verdict, last ? ReplayVerdict::drop : ReplayVerdict::accept) << i;
        EXPECT_STREQ(reason_name(got.reason), last ? "signature" : "inspect") << i;
    }
    EXPECT_STREQ(reason_name(judge(came_in(peer(kAck, 110, "more"))).reason), "signature")
        << "its flow has ended";
    ASSERT_EQ(report().matched, 1u);
    const ReplayMatch& match = report().matches.at(0);
    EXPECT_EQ(match.packet, 11u);
    EXPECT_EQ(match.time_ns, kBegin_ns + 11'000'000);
    EXPECT_EQ(match.signatures, "web");
    EXPECT_EQ(match.id, 1u);
    EXPECT_EQ(match.rule, "watched");
    EXPECT_EQ(match.source.hi, 0x20010db800010000u);
    EXPECT_EQ(match.source_port, 40000);
    EXPECT_EQ(match.destination_port, 8000);
    EXPECT_EQ(report().bytes, 9u);
    EXPECT_EQ(side_->flows().matched, 1u);
}

TEST_F(Inspections, WithoutSignaturesWhatIsToBeInspectedIsOnlyCounted) {
    begin("", false);
    open();
    const ReplayDecision got = judge(came_in(peer(kAck, 101, "an attack")));
    EXPECT_EQ(got.verdict, ReplayVerdict::accept);
    EXPECT_STREQ(reason_name(got.reason), "inspect");
    EXPECT_EQ(side_->inspection(), nullptr);
}

TEST_F(Inspections, ABannedSourceOpensNothingUntilItsTimeIsOver) {
    begin("ban 60s");
    open();
    (void)judge(came_in(peer(kAck, 101)));  // it hears us, so it can be banned
    EXPECT_EQ(judge(came_in(peer(kAck, 101, "attack"))).verdict, ReplayVerdict::drop);
    ASSERT_EQ(report().matches.size(), 1u);
    EXPECT_EQ(report().matches[0].banned_s, 60u);
    const Bytes again = came_in(Ethernet{} / Ipv6{} / Tcp{.sport = 41000, .dport = 443});
    EXPECT_STREQ(reason_name(judge(again).reason), "banned");
    time_ns_ += 61 * kSecond_ns;
    EXPECT_STREQ(reason_name(judge(again).reason), "rule-accept");
}

TEST_F(Inspections, AnAlertPassesAndIsTold) {
    begin("on-match alert");
    open();
    EXPECT_EQ(judge(came_in(peer(kAck, 101, "attack"))).verdict, ReplayVerdict::accept);
    ASSERT_EQ(report().matches.size(), 1u);
    EXPECT_EQ(report().matches[0].action, Signatures::OnMatch::alert);
}

TEST_F(Inspections, FragmentsAreHeldUntilTheirDatagramIsWhole) {
    begin("");
    const Packet whole = Ethernet{} / Ipv6{} / Udp{.sport = 4000, .dport = 8002} /
                         Payload{{'a', 'n', ' ', 'a', 't', 't', 'a', 'c', 'k', '!', '!', '!'}};
    const Bytes bytes = whole.bytes();
    const Bytes udp(bytes.begin() + 54, bytes.end());
    const ReplayDecision first = judge(fragment(0, true, {udp.begin(), udp.begin() + 16}));
    EXPECT_EQ(first.verdict, ReplayVerdict::hold);
    EXPECT_STREQ(reason_name(first.reason), "inspect-held");
    const ReplayDecision second = judge(fragment(2, false, {udp.begin() + 16, udp.end()}));
    EXPECT_EQ(second.verdict, ReplayVerdict::drop);
    EXPECT_STREQ(reason_name(second.reason), "signature");
    EXPECT_EQ(report().matched, 1u);
}

TEST_F(Inspections, ACleanDatagramInFragmentsPassesWithItsLastOne) {
    begin("");
    const Bytes bytes =
        (Ethernet{} / Ipv6{} / Udp{.sport = 4000, .dport = 8002} / Payload{Bytes(12, 'x')}).bytes();
    const Bytes udp(bytes.begin() + 54, bytes.end());
    EXPECT_EQ(judge(fragment(0, true, {udp.begin(), udp.begin() + 16})).verdict, ReplayVerdict::hold);
    const ReplayDecision last = judge(fragment(2, false, {udp.begin() + 16, udp.end()}));
    EXPECT_EQ(last.verdict, ReplayVerdict::accept);
    EXPECT_STREQ(reason_name(last.reason), "inspect");
}

TEST_F(Inspections, AConflictingCopyHasItsOwnReason) {
    begin("");
    open();
    (void)judge(came_in(peer(kAck, 103, "cd")));  // behind a gap, so its bytes are kept
    const ReplayDecision got = judge(came_in(peer(kAck, 103, "xy")));
    EXPECT_EQ(got.verdict, ReplayVerdict::drop);
    EXPECT_STREQ(reason_name(got.reason), "inspect-conflict");
}

TEST_F(Inspections, ABadPatternIsToldWithItsLine) {
    std::string rules = kWorldRules;
    rules.insert(rules.find("host nas"), "signatures web = file \"web.hs\"\n");
    policy_ = read_or_throw(rules);
    policy_.signatures[0].text = std::make_shared<const std::string>("1:/good/\n2:/(bad/\n");
    Result<ReplaySide> side = ReplaySide::make(policy_, line_);
    ASSERT_TRUE(side);
    const Result<void> searches = side->search_signatures();
    ASSERT_FALSE(searches);
    const std::string& why = searches.error().message;
    EXPECT_EQ(why.find("signatures web: "), 0u) << why;
    EXPECT_NE(why.find("web.hs:2: pattern 2: "), std::string::npos) << why;
}

}  // namespace
}  // namespace dishwall::test
