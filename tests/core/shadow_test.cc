// SPDX-License-Identifier: BSD-3-Clause
//
// The shadow model against the table of vectors: it must know a cause for all that they expect to be
// accepted, and it must object when something is accepted that they expect to be dropped. Otherwise the
// fuzzer that asks it (tests/fuzz/packet_fuzz.cc) would find nothing, or too much.
#include "tests/core/shadow.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/core/names.h"
#include "tests/core/story.h"
#include "tests/core/vectors.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

// The same few rule files are asked for a thousand times. Where they are, they stay.
const Policy& policy_of(const std::string& rules) {
    static std::map<std::string, Policy> read;
    const auto [found, is_new] = read.try_emplace(rules);
    if (is_new) found->second = read_or_throw(rules);
    return found->second;
}

// The shadow in the world of a vector, told of outcomes instead of a core's.
class Told {
public:
    Told() {
        shadow_.set_own(world_own());
        take(Load{kWorldRules});
    }
    std::string take(const Load& policy) {
        shadow_.load(policy_of(policy.rules));
        return "";
    }
    std::string take(const Own& own) {
        shadow_.set_own(own);
        return "";
    }
    std::string take(const Wait& wait) {
        shadow_.wait(wait.seconds);
        return "";
    }
    // Whether an inspector is there, and what it finds, decides what is dropped of what has a cause.
    std::string take(const Inspector&) { return ""; }
    std::string take(const Found&) { return ""; }
    std::string take(const Ban&) { return ""; }
    std::string take(const Judged& judged) { return take(judged, judged.reason); }
    std::string take(const Judged& judged, unsigned reason) {
        dw_outcome outcome{};
        outcome.reason = static_cast<std::uint8_t>(reason);
        outcome.verdict = dw_reason_accepts(static_cast<int>(reason)) ? DW_ACCEPT : DW_DROP;
        return shadow_.object_to(judged.direction, judged.frame, outcome);
    }

private:
    Shadow shadow_;
};

TEST(Shadow, KnowsACauseForAllThatTheVectorsAccept) {
    for (const Vector& vector : vectors()) {
        Told told;
        for (std::size_t i = 0; i < vector.steps.size(); ++i)
            EXPECT_EQ(std::visit([&](const auto& step) { return told.take(step); }, vector.steps[i]), "")
                << vector.requirement << " " << vector.claim << ", step " << i + 1;
    }
}

// What dishwall drops for other causes than that nothing allows it: it would cost somebody else too much,
// nobody can know that yet, or it is merely not done.
bool is_beyond_the_shadow(unsigned reason) {
    switch (reason) {
        case DW_REASON_LINK_LIMIT:
        case DW_REASON_UNKNOWN_NEIGHBOUR:
        case DW_REASON_FLOW_TABLE_FULL:
        case DW_REASON_FRAGMENT_TABLE_FULL:
        case DW_REASON_FRAGMENT_DISORDER:
        case DW_REASON_REDIRECT:
        case DW_REASON_INSPECT_FAILED:
        case DW_REASON_SIGNATURE:
        case DW_REASON_BANNED:
            return true;
        default:
            return false;
    }
}

// The model forgets no flow, but a core may have had to; then the packet is a newcomer that the policy
// welcomes.
bool would_be_welcome(const Judged& judged, dw_reason reason) {
    if (reason != DW_REASON_RULE_ACCEPT && reason != DW_REASON_DEFAULT_ACCEPT) return false;
    return judged.reason == DW_REASON_TCP_STATE || judged.direction == Direction::outbound;
}

TEST(Shadow, ObjectsWhenADroppedPacketPasses) {
    constexpr dw_reason kAccepting[] = {DW_REASON_FLOW,      DW_REASON_RULE_ACCEPT, DW_REASON_DEFAULT_ACCEPT,
                                        DW_REASON_FRAGMENT,  DW_REASON_ICMP_ERROR,  DW_REASON_NEIGHBOUR,
                                        DW_REASON_ROUTER,    DW_REASON_MLD,         DW_REASON_INDEPENDENT,
                                        DW_REASON_IPV4_PASS, DW_REASON_DHCPV6};
    unsigned asked = 0;
    for (const Vector& vector : vectors()) {
        for (std::size_t last = 0; last < vector.steps.size(); ++last) {
            const auto* judged = std::get_if<Judged>(&vector.steps[last]);
            if (judged == nullptr || judged->verdict == DW_ACCEPT || is_beyond_the_shadow(judged->reason))
                continue;
            for (const dw_reason reason : kAccepting) {
                if (would_be_welcome(*judged, reason)) continue;
                Told told;
                for (std::size_t i = 0; i < last; ++i)
                    std::visit([&](const auto& step) { return told.take(step); }, vector.steps[i]);
                EXPECT_NE(told.take(*judged, reason), "")
                    << vector.requirement << " " << vector.claim << ", step " << last + 1 << ": "
                    << reason_name(judged->reason) << " passed as " << reason_name(reason);
                ++asked;
            }
        }
    }
    EXPECT_GT(asked, 1000u);
}

}  // namespace
}  // namespace dishwall::test
