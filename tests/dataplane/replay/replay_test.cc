// SPDX-License-Identifier: BSD-3-Clause
//
// A capture's packets through the core, with the capture's clock.
#include "dataplane/replay/replay.h"

#include <gtest/gtest.h>

#include "dataplane/replay/ours.h"
#include "rules/lower.h"
#include "tests/control/capture_file.h"
#include "tests/core/conversation.h"
#include "tests/core/native_executor.h"
#include "tests/core/world.h"
#include "tests/dataplane/replay/replay_frames.h"

namespace dishwall::test {
namespace {

// What is ours never changes here: control/dishctl/replay_line has the line that does.
class StillLine final : public Line {
public:
    explicit StillLine(Own own) : own_(std::move(own)) { ours_.set_mac(own_.mac); }
    bool before(const CapturedFrame&) override { return false; }
    bool passed(const CapturedFrame& frame) override {
        ++passed_;
        last_ = frame.number;
        return false;
    }
    [[nodiscard]] Direction direction_of(const CapturedFrame& frame) const override {
        return ours_.direction_of(frame.bytes, frame.parts);
    }
    [[nodiscard]] const Own& own() const override { return own_; }

    unsigned passed_ = 0;
    std::uint64_t last_ = 0;

private:
    Own own_;
    Ours ours_;
};

constexpr std::int64_t kMillisecond_ns = 1'000'000;

const Packet kSynToWeb = Ethernet{} / Ipv6{} / Tcp{.sport = 40000, .dport = 443, .flags = kSyn, .seq = 100};
const Packet kSynAckFromWeb = Ethernet{} / Ipv6{.src = "2001:db8:aa00:1::10", .dst = "2001:db8:1::1"} /
                              Tcp{.sport = 443, .dport = 40000, .flags = kSyn | kAck, .seq = 500, .ack = 101};
const Packet kAckToWeb =
    Ethernet{} / Ipv6{} / Tcp{.sport = 40000, .dport = 443, .flags = kAck, .seq = 101, .ack = 501};
const Packet kQuestion = Ethernet{} / Ipv6{.src = "2001:db8:aa00:1::20", .dst = "2001:db8:9::53"} /
                         Udp{.sport = 5000, .dport = 53} / Payload{{1, 2, 3}};
const Packet kAnswer = Ethernet{} / Ipv6{.src = "2001:db8:9::53", .dst = "2001:db8:aa00:1::20"} /
                       Udp{.sport = 53, .dport = 5000} / Payload{{4, 5, 6}};

Packet scan(std::uint16_t port) { return Ethernet{} / Ipv6{.src = "2001:db8:bad::1"} / Tcp{.dport = port}; }
Packet ping() { return Ethernet{} / Ipv6{.dst = "2001:db8:aa00:1::30"} / Icmp{.type = 128}; }

class Replays : public ::testing::Test {
protected:
    void begin(const std::string& rules = kWorldRules) {
        policy_ = read_or_throw(rules);
        Result<ReplaySide> side = ReplaySide::make(policy_, line_);
        ASSERT_TRUE(side) << side.error().message;
        replay_.emplace(std::move(*side), line_);
    }
    void compare_with(const std::string& rules, RuleIdentities now, RuleIdentities then) {
        other_ = read_or_throw(rules);
        Result<ReplaySide> side = ReplaySide::make(other_, other_line_);
        ASSERT_TRUE(side) << side.error().message;
        replay_->compare_with(std::move(*side), Differences(std::move(now), std::move(then)));
    }
    void add(Bytes bytes, std::int64_t later_ns = kMillisecond_ns) {
        time_ns_ += later_ns;
        ASSERT_TRUE(replay_->add(captured(std::move(bytes), time_ns_, ++number_)));
    }
    // "accept rule-accept web 1"
    [[nodiscard]] std::vector<std::string> rows() const {
        std::vector<std::string> list;
        for (const ReplayRow& row : replay_->now().most_first()) {
            const Rule* rule =
                row.decision.rule == ReplayDecision::kNoRule ? nullptr : rule_at(policy_, row.decision.rule);
            list.push_back(fmt::format("{} {} {} {}", to_string(row.decision.verdict),
                                       reason_name(row.decision.reason), rule == nullptr ? "-" : rule->name,
                                       row.packets));
        }
        return list;
    }
    [[nodiscard]] FlowTotals flows() const { return replay_->now().flows(); }

    Policy policy_, other_;
    StillLine line_{world_own()}, other_line_{world_own()};
    std::optional<Replay> replay_;
    std::int64_t time_ns_ = kBegin_ns;
    std::uint64_t number_ = 0;
};

using Rows = std::vector<std::string>;

TEST_F(Replays, AConversationScansAPingAndAQuestion) {
    begin();
    add(came_in(kSynToWeb));
    add(went_out(kSynAckFromWeb));
    add(came_in(kAckToWeb));
    for (const std::uint16_t port : {22, 23, 25}) add(came_in(scan(port)));
    add(came_in(ping()));
    add(went_out(kQuestion));
    add(came_in(kAnswer));
    EXPECT_EQ(rows(), (Rows{"drop default-drop - 3", "accept flow web 2", "accept rule-accept web 1",
                            "accept rule-accept ping 1", "accept flow - 1", "accept default-accept - 1"}));
    EXPECT_EQ(flows().outside, 2u);
    EXPECT_EQ(flows().inside, 1u);
    EXPECT_EQ(flows().open, 3u);
    EXPECT_EQ(flows().ended(), 0u);
    EXPECT_EQ(replay_->totals().in, 7u);
    EXPECT_EQ(replay_->totals().out, 2u);
    EXPECT_EQ(replay_->totals().last_ns - replay_->totals().first_ns, 8 * kMillisecond_ns);
    EXPECT_EQ(line_.passed_, 4u) << "of what came in, only what was let through tells of the line";
    EXPECT_EQ(line_.last_, 9u);
}

TEST_F(Replays, AFlowThatSleepsPastItsTimeoutIsGone) {
    begin();
    add(went_out(kQuestion));
    add(came_in(kAnswer), 299 * kSecond_ns);
    add(came_in(kAnswer), 299 * kSecond_ns);
    EXPECT_EQ(flows().open, 1u);
    add(came_in(kAnswer), 301 * kSecond_ns);
    EXPECT_EQ(rows(), (Rows{"accept flow - 2", "accept default-accept - 1", "drop default-drop - 1"}));
    EXPECT_EQ(flows().total(), 1u);
    EXPECT_EQ(flows().ended(), 1u);
}

TEST_F(Replays, TheSamePortsAgainAreAnotherFlow) {
    begin();
    for (int i = 0; i < 3; ++i) add(went_out(kQuestion), 301 * kSecond_ns);
    EXPECT_EQ(flows().inside, 3u);
    EXPECT_EQ(flows().open, 1u);
    EXPECT_EQ(flows().ended(), 2u);
}

TEST_F(Replays, RatesGoByTheCapturesClock) {
    begin(world_rules_with("", "accept tcp 7000 to nas rate 2/s name slow"));
    for (int i = 0; i < 4; ++i)
        add(came_in(Ethernet{} / Ipv6{} / Tcp{.sport = static_cast<std::uint16_t>(100 + i), .dport = 7000}));
    add(came_in(Ethernet{} / Ipv6{} / Tcp{.sport = 200, .dport = 7000}), kSecond_ns);
    EXPECT_EQ(rows(), (Rows{"accept rule-accept slow 3", "drop default-drop - 2"}));
}

TEST_F(Replays, TimeThatRunsBackwardsStandsStill) {
    begin();
    add(went_out(kQuestion));
    add(came_in(kAnswer), -3600 * kSecond_ns);
    EXPECT_EQ(rows(), (Rows{"accept flow - 1", "accept default-accept - 1"}));
    EXPECT_EQ(replay_->totals().last_ns - replay_->totals().first_ns, 3600 * kSecond_ns);
}

TEST_F(Replays, AnotherRuleFileDecidesOtherwise) {
    begin();
    std::string rules = kWorldRules;
    const std::string web = "accept service web to nas                          name web";
    rules.replace(rules.find(web), web.size(), "accept udp 443 to nas name quic");
    const std::size_t rules_now = policy_.inbound.rules.size() + policy_.outbound.rules.size();
    RuleIdentities same;
    for (std::uint32_t i = 0; i < rules_now; ++i) same.push_back(i);
    RuleIdentities then = same;
    then[0] = 1000;  // quic
    compare_with(rules, same, then);
    add(came_in(kSynToWeb));
    add(went_out(kSynAckFromWeb));
    add(came_in(kAckToWeb));
    add(came_in(ping()));
    add(came_in(Ethernet{} / Ipv6{} / Udp{.dport = 443} / Payload{{1}}));
    const std::vector<ReplayDifference> list = replay_->differences()->most_first();
    ASSERT_EQ(list.size(), 3u);
    EXPECT_EQ(list[0].packets, 2u) << "the SYN and the ACK";
    EXPECT_EQ(list[0].now.verdict, ReplayVerdict::accept);
    EXPECT_EQ(list[0].now.rule, 0u);
    EXPECT_EQ(list[0].then.verdict, ReplayVerdict::drop);
    EXPECT_EQ(list[0].then.rule, ReplayDecision::kNoRule);
    EXPECT_EQ(list[0].example, 1u);
    EXPECT_EQ(list[0].flows, 1u);
    // Without its SYN, the answer is the first packet of a connection of ours: accepted, and by no rule.
    EXPECT_EQ(list[1].example, 2u);
    EXPECT_EQ(list[1].then.verdict, ReplayVerdict::accept);
    EXPECT_EQ(list[1].then.rule, ReplayDecision::kNoRule);
    EXPECT_EQ(list[2].example, 5u) << "accepted by both, by another rule";
    EXPECT_EQ(list[2].then.verdict, ReplayVerdict::accept);
    EXPECT_EQ(list[2].then.rule, 0u);
    EXPECT_EQ(replay_->differences()->packets(), 4u);
}

TEST_F(Replays, ARuleOfTheSameNameThatSaysOtherwiseDiffers) {
    begin();
    std::string rules = kWorldRules;
    rules.replace(rules.find("accept service web"), 6, "reject");
    const RuleIdentities same(policy_.inbound.rules.size() + policy_.outbound.rules.size());
    compare_with(rules, same, same);
    add(came_in(kSynToWeb));
    ASSERT_EQ(replay_->differences()->packets(), 1u);
    EXPECT_EQ(replay_->differences()->most_first()[0].then.verdict, ReplayVerdict::reject);
}

TEST_F(Replays, TheSameRulesDifferInNothing) {
    begin();
    const RuleIdentities same(policy_.inbound.rules.size() + policy_.outbound.rules.size());
    compare_with(kWorldRules, same, same);
    Traffic traffic(3);
    for (int i = 0; i < 5000; ++i) {
        const Sent sent = traffic.next();
        if (sent.frame.size() >= 14) add(sent.frame);
    }
    EXPECT_EQ(replay_->differences()->packets(), 0u);
}

// ---- the native core, fed directly

// Through a file, with its times: 20,000 packets of many conversations, some of them tampered with, and
// pauses that outlive flows.
TEST_F(Replays, VerdictsAreThoseOfTheCoreFedDirectly) {
    struct Fed {
        Direction direction;
        dw_outcome outcome;
    };
    policy_ = read_or_throw(kWorldRules);
    NativeExecutor core(TableSetup{.buckets = policy_.uplink.flow_table / DW_WAYS});
    core.set_own(world_own());
    core.install(lower_or_throw(policy_));
    core.set_inspector(Inspector::works);
    std::vector<TimedFrame> frames;
    std::vector<Fed> fed;
    Traffic traffic(20261123);
    for (int i = 0; i < 20'000; ++i) {
        const Sent sent = traffic.next();
        const std::int64_t pause_ms = i % 500 == 499 ? 320'000 : i % 7;
        if (i > 0) core.wait(std::chrono::milliseconds(pause_ms));
        time_ns_ += i > 0 ? pause_ms * kMillisecond_ns : 0;
        frames.push_back({sent.frame, time_ns_});
        fed.push_back({sent.direction, core.run(sent.direction, sent.frame)});
    }
    const CaptureFile file;
    file.write_timed(frames);

    Result<ReplaySide> side = ReplaySide::make(policy_, line_);
    ASSERT_TRUE(side);
    Result<Capture> capture =
        Capture::open(file.path(), {.most = 65535, .what = Mending::What::what_capturing_did});
    ASSERT_TRUE(capture);
    CapturedFrame frame;
    std::size_t accepted = 0, packets = 0;
    while (capture->next(&frame).value()) {
        const Fed& expected = fed.at(packets++);
        ASSERT_EQ(frame.number, packets);
        ASSERT_TRUE(side->meet(frame));
        const Result<ReplayDecision> got = side->judge(frame, expected.direction);
        ASSERT_TRUE(got);
        ASSERT_EQ(reason_name(got->reason), std::string(reason_name(expected.outcome.reason))) << packets;
        ASSERT_EQ(static_cast<int>(got->verdict), expected.outcome.verdict) << packets;
        const std::uint32_t rule =
            expected.outcome.rule == DW_NO_RULE ? ReplayDecision::kNoRule : expected.outcome.rule - 1000;
        ASSERT_EQ(got->rule, rule) << packets;
        accepted += got->verdict == ReplayVerdict::accept ? 1 : 0;
    }
    EXPECT_EQ(packets, fed.size());
    EXPECT_GT(accepted, packets / 4);
    EXPECT_LT(accepted, packets);
    std::uint64_t counted = 0;
    for (const ReplayRow& row : side->most_first()) counted += row.packets;
    EXPECT_EQ(counted, packets);
}

// ---- captures

TEST(ReplayCaptures, ALieOnTheWireStaysAndWhatCapturingDidIsUndone) {
    constexpr Mending kMending{.most = 65535, .what = Mending::What::what_capturing_did};
    const Bytes right = came_in(kAnswer);
    Bytes wrong = right;
    wrong[60] ^= 0x55;  // of the checksum
    FrameBytes mended = wrong;
    (void)mend(&mended, kMending);
    EXPECT_EQ(mended, wrong);

    Bytes longer = right;
    longer[19] += 9;  // the payload length says more than there is
    mended = longer;
    (void)mend(&mended, kMending, false);
    EXPECT_EQ(mended, longer) << "the frame was whole: it lied";
    (void)mend(&mended, kMending, true);
    EXPECT_EQ(mended, right) << "the capture had cut it";

    Bytes left_to_the_card = right;
    // Pseudo header: both addresses, the length and the protocol.
    std::uint32_t sum = 17 + 11;
    for (std::size_t at = 22; at < 54; at += 2) sum += right[at] << 8 | right[at + 1];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    left_to_the_card[60] = static_cast<std::uint8_t>(sum >> 8);
    left_to_the_card[61] = static_cast<std::uint8_t>(sum);
    mended = left_to_the_card;
    (void)mend(&mended, kMending);
    EXPECT_EQ(mended, right);
}

TEST(ReplayCaptures, FramesHaveTheirTimesAndNumbers) {
    const CaptureFile file;
    file.write_timed({{came_in(kAnswer), kBegin_ns + 1}, {came_in(ping()), kBegin_ns + 2'000'000'003}});
    Result<Capture> capture = Capture::open(file.path());
    CapturedFrame frame;
    ASSERT_TRUE(capture->next(&frame).value());
    EXPECT_EQ(frame.time_ns, kBegin_ns + 1);
    EXPECT_EQ(frame.number, 1u);
    EXPECT_EQ(frame.on_wire, came_in(kAnswer).size());
    EXPECT_GT(capture->done(), 0);
    EXPECT_LT(capture->done(), 1.01);
    ASSERT_TRUE(capture->next(&frame).value());
    EXPECT_EQ(frame.time_ns, kBegin_ns + 2'000'000'003);
    EXPECT_EQ(frame.number, 2u);
    EXPECT_FALSE(capture->next(&frame).value());
    EXPECT_EQ(capture->done(), 1);
}

}  // namespace
}  // namespace dishwall::test
