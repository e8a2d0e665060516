// SPDX-License-Identifier: BSD-3-Clause
//
// Patterns in streams, through the reassembler and Hyperscan together.
#include "dataplane/signatures/scanner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "tests/dataplane/signatures_fixture.h"

namespace dishwall::test {
namespace {

struct Flow {
    Flow(ScanWorker& worker, SignatureSetPtr set, AfterMatch after = AfterMatch::stop)
        : scanner(worker, std::move(set), after) {
        EXPECT_EQ(stream.segment({99, {}, true}), kForward);
    }
    StreamAnswer data(std::uint32_t at, std::string_view text) {
        return stream.segment({100 + at, bytes_of(text)});
    }

    StreamMemory memory{StreamLimits{}};
    StreamScanner scanner;
    Reassembler stream{memory, scanner};
};

TEST(StreamScanner, FindsAPatternInOneByteSegments) {
    ScanWorker worker(10);
    const SignatureSetPtr set = signatures("5:/evil[0-9]+x/\n");
    Flow flow(worker, set);
    const std::string text = "so evil123x";
    for (std::uint32_t i = 0; i + 1 < text.size(); ++i)
        ASSERT_EQ(flow.data(i, std::string_view(text).substr(i, 1)), kForward) << i;
    EXPECT_EQ(flow.data(10, "x"), kStopped);
    ASSERT_TRUE(flow.scanner.match());
    EXPECT_EQ(flow.scanner.match()->id, 5u);
    EXPECT_EQ(flow.scanner.match()->end, 11u);
    EXPECT_EQ(flow.scanner.match()->set, set);
    EXPECT_EQ(flow.data(10, "x"), kStopped) << "sent again";
}

TEST(StreamScanner, FindsAPatternInAnyOrderOfSegments) {
    ScanWorker worker(10);
    const SignatureSetPtr set = signatures("5:/evil[0-9]+x/\n");
    const std::string text = "so evil123x and more";
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        Flow flow(worker, set);
        std::vector<std::uint32_t> order(text.size());
        std::iota(order.begin(), order.end(), 0);
        std::shuffle(order.begin(), order.end(), random);
        std::vector<bool> through(text.size());
        for (const std::uint32_t at : order) {
            through[at] = flow.data(at, std::string_view(text).substr(at, 1)).decision == Decision::forward;
            if (!through[at]) break;
        }
        EXPECT_TRUE(flow.scanner.match());
        // The receiver misses a byte of the pattern or one before it, so it cannot read it.
        EXPECT_NE(std::find(through.begin(), through.begin() + 11, false), through.begin() + 11);
    }
}

TEST(StreamScanner, ARewriteOfPartOfThePatternIsDropped) {
    ScanWorker worker(10);
    Flow flow(worker, signatures("5:/attack/\n"));
    EXPECT_EQ(flow.data(0, "attXck"), kForward);
    EXPECT_EQ(flow.data(3, "a"), kConflict);
    EXPECT_FALSE(flow.scanner.match());
}

TEST(StreamScanner, AnAlertLetsTheFlowGoOnAndIsOne) {
    ScanWorker worker(10);
    Flow flow(worker, signatures("5:/a/\n"), AfterMatch::go_on);
    EXPECT_EQ(flow.data(0, "a"), kForward);
    EXPECT_EQ(flow.data(1, "a"), kForward);
    EXPECT_EQ(flow.scanner.match()->end, 1u);
    EXPECT_EQ(worker.counters().matches, 1u);
    EXPECT_EQ(worker.counters().open_streams, 0u) << "nothing is searched for any more";
}

TEST(StreamScanner, APatternAtTheEndIsFoundBeforeTheFinGoesOn) {
    ScanWorker worker(10);
    Flow flow(worker, signatures("5:/bye\\z/\n"));
    EXPECT_EQ(flow.data(0, "bye"), kForward);
    EXPECT_EQ(flow.stream.segment({103, {}, false, true}), kStopped);
    EXPECT_EQ(flow.scanner.match()->id, 5u);
}

TEST(StreamScanner, AnOpenStreamGoesOnWithItsOwnSignatures) {
    ScanWorker worker(10);
    SignatureSetPtr old_set = signatures("1:/attack/\n");
    Flow old_flow(worker, old_set);
    EXPECT_EQ(old_flow.data(0, "att"), kForward);
    const std::weak_ptr<const SignatureSet> alive = old_set;
    old_set.reset();
    const SignatureSetPtr new_set = signatures("2:/other and longer [a-z]{3,50}x/\n");  // a reload
    Flow new_flow(worker, new_set);
    EXPECT_EQ(new_flow.data(0, "attack"), kForward);
    EXPECT_FALSE(alive.expired());
    EXPECT_EQ(old_flow.data(3, "ack"), kStopped);
    EXPECT_EQ(old_flow.scanner.match()->id, 1u);
}

TEST(StreamScanner, OpensLateAndNoMoreThanItMay) {
    ScanWorker worker(1);
    const SignatureSetPtr set = signatures("1:/attack/\n");
    auto first = std::make_unique<Flow>(worker, set);
    EXPECT_EQ(worker.counters().open_streams, 0u) << "nothing came yet";
    EXPECT_EQ(first->data(0, "a"), kForward);
    EXPECT_EQ(worker.counters().open_streams, 1u);
    Flow second(worker, set);
    EXPECT_EQ(second.data(0, "a"), kGivenUp);
    EXPECT_EQ(worker.counters().failures, 1u);
    first.reset();
    EXPECT_EQ(worker.counters().open_streams, 0u);
    Flow third(worker, set);
    EXPECT_EQ(third.data(0, "a"), kForward);
}

TEST(StreamScanner, AGapBeginsAnew) {
    ScanWorker worker(10);
    Flow flow(worker, signatures("1:/abcd/\n"));
    EXPECT_EQ(flow.data(0, "ab"), kForward);
    flow.stream.acknowledged(110);
    EXPECT_EQ(flow.data(10, "cd"), kGap);
    EXPECT_EQ(flow.data(12, "abcd"), kStopped);
}

TEST(ScanWorker, DatagramsStandForThemselves) {
    ScanWorker worker(0);
    const SignatureSetPtr set = signatures("1:/attack/\n");
    EXPECT_FALSE(*worker.scan(set, bytes_of("att")));
    EXPECT_FALSE(*worker.scan(set, bytes_of("ack")));
    const auto found = worker.scan(set, bytes_of("an attack"));
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->end, 9u);
    EXPECT_EQ(worker.counters().calls, 3u);
    EXPECT_EQ(worker.counters().bytes, 15u);
}

}  // namespace
}  // namespace dishwall::test
