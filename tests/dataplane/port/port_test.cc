// SPDX-License-Identifier: BSD-3-Clause
//
// Ports and workers over rings in memory: no rights, no network.
#include <rte_mbuf.h>
#include <time.h>

#include "dataplane/port/port.h"
#include "dataplane/port/worker.h"
#include "tests/dataplane/port/port_fixture.h"

namespace dishwall {
namespace {

Bytes bytes_of(const rte_mbuf* frame) {
    const auto* data = rte_pktmbuf_mtod(frame, const std::uint8_t*);
    return {data, data + rte_pktmbuf_data_len(frame)};
}

std::uint64_t now_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

TEST(Eal, TakesHugepagesOnlyWhenEnoughAreFree) {
    const std::string text =
        "MemFree: 5 kB\nHugePages_Total:      64\nHugePages_Free:       40\nHugepagesize:    2048 kB\n";
    EXPECT_EQ(free_hugepages_mb(text), 80u);
    EXPECT_EQ(free_hugepages_mb("MemFree: 5 kB\n"), 0u);
    const auto with_reserved = [](unsigned reserved) {
        return fmt::format("HugePages_Free:       40\nHugePages_Rsvd:     {}\nHugepagesize:    2048 kB\n",
                           reserved);
    };
    EXPECT_EQ(free_hugepages_mb(with_reserved(30)), 20u) << "those are promised to somebody";
    EXPECT_EQ(free_hugepages_mb(with_reserved(41)), 0u);
}

TEST(Eal, LeavesHugepagesAndPciAloneWhenThereAreNone) {
    const std::vector<std::string> none = eal_arguments(40, false, "0,1"),
                                   some = eal_arguments(40, true, "0");
    const auto has = [](const std::vector<std::string>& all, const char* one) {
        return std::find(all.begin(), all.end(), one) != all.end();
    };
    EXPECT_TRUE(has(none, "--no-huge") && has(none, "--no-pci") && has(none, "0@(0,1)"));
    EXPECT_FALSE(has(none, "--in-memory"));  // DPDK 22.11 refuses both together
    EXPECT_TRUE(has(some, "--in-memory"));
    EXPECT_FALSE(has(some, "--no-huge"));
}

struct Pair {
    explicit Pair(const std::string& name) : ports(*Port::ring_pair(dpdk(), name)) {}

    void give(const std::vector<Bytes>& frames) {
        Burst burst;
        for (const Bytes& one : frames) {
            burst.push(ports.first.copy_of(one));
            if (burst.full()) ports.first.transmit(&burst);
        }
        ports.first.transmit(&burst);
    }
    std::vector<Bytes> take() {
        Burst burst;
        ports.first.receive(&burst);
        std::vector<Bytes> got;
        for (const rte_mbuf* frame : burst.frames()) got.push_back(bytes_of(frame));
        return got;
    }

    std::pair<Port, Port> ports;
};

TEST(Port, HandsOverWhatTheOtherSideSends) {
    Pair pair("t-there");
    pair.give({frame(Order::forward, 1), frame(Order::drop, 2, 1514)});
    Burst got;
    pair.ports.second.receive(&got);
    ASSERT_EQ(got.size(), 2);
    EXPECT_EQ(bytes_of(got.frames()[1]), frame(Order::drop, 2, 1514));
    got.keep_if([](rte_mbuf& one) { return rte_pktmbuf_data_len(&one) == 64; });
    EXPECT_EQ(pair.ports.second.transmit(&got), 1);
    EXPECT_TRUE(got.empty());
    EXPECT_EQ(pair.take(), std::vector<Bytes>{frame(Order::forward, 1)});
}

TEST(Port, RefusesAFrameThatFitsInNoBuffer) {
    Pair pair("t-long");
    EXPECT_EQ(pair.ports.first.copy_of(Bytes(70000)), nullptr);
    EXPECT_EQ(pair.ports.first.copy_of(Bytes(4000)), nullptr);
}

TEST(Port, CountsWhatFoundNoRoom) {
    Pair pair("t-full");
    std::vector<Bytes> many(3000, frame(Order::forward, 7));
    pair.give(many);
    EXPECT_EQ(pair.ports.first.unsent(), 3000u - 2047u);  // a ring of 2048 holds one less
}

TEST(Port, GivesAllBuffersBack) {
    Pair pair("t-leak");
    for (int round = 0; round < 200; round++) {  // more frames than there are buffers
        pair.give(std::vector<Bytes>(64, frame(Order::forward, 1)));
        Burst got;
        pair.ports.second.receive(&got);
        ASSERT_EQ(got.size(), Burst::kMost) << "round " << round;
    }
}

struct WorkerTest : testing::Test {
    void run(const std::string& name) {
        pair.emplace(name);
        start();
    }
    void start() {
        worker = std::make_unique<Worker>(0, std::move(pair->ports.second), &shared);
        inspector.sender = &worker->sender();
        ASSERT_TRUE(worker->start(&inspector, std::nullopt));
    }
    void give(const std::vector<Bytes>& frames) {
        std::atomic_ref(shared.given).fetch_add(frames.size());
        pair->give(frames);
    }
    std::vector<Bytes> take(std::size_t count) {
        std::vector<Bytes> got;
        eventually([&] {
            for (Bytes& one : pair->take()) got.push_back(std::move(one));
            return got.size() >= count;
        });
        return got;
    }
    [[nodiscard]] std::uint64_t taken() { return std::atomic_ref(shared.taken).load(); }
    [[nodiscard]] std::uint64_t beat() { return std::atomic_ref(shared.beat_ns).load(); }

    dw_worker shared{};
    Obedient inspector;
    std::optional<Pair> pair;  // outlives the worker, whose port uses its rings
    std::unique_ptr<Worker> worker;
};

TEST_F(WorkerTest, ForwardsDropsAndAnswers) {
    run("t-fates");
    give(
        {frame(Order::forward, 1), frame(Order::drop, 2), frame(Order::answer, 3), frame(Order::forward, 4)});
    std::vector<Bytes> got = take(3);
    ASSERT_EQ(got.size(), 3u);
    EXPECT_EQ(got[0], frame(Order::forward, 1));
    EXPECT_EQ(got[1], frame(Order::forward, 4));
    EXPECT_EQ(got[2][17], 0xaa);  // of its own making, behind the others
    EXPECT_EQ(taken(), 4u);
}

TEST_F(WorkerTest, BeatsAlsoWhenNothingArrives) {
    run("t-beat");
    for (int round = 0; round < 20; round++) {
        std::this_thread::sleep_for(milliseconds(10));
        EXPECT_LT(now_ns() - beat(), DW_INSPECT_STALE_NS);
    }
    EXPECT_GT(inspector.ticks, 0u);
    worker->stop();
    EXPECT_EQ(beat(), 0u) << "a worker that ended still looks alive";
}

TEST_F(WorkerTest, StopsBeatingWhileItHangs) {
    inspector.hang = milliseconds(400);
    run("t-hang");
    give({frame(Order::forward, 1)});
    EXPECT_TRUE(eventually([&] { return now_ns() - beat() > DW_INSPECT_STALE_NS; }, milliseconds(390)));
    EXPECT_EQ(take(1).size(), 1u);
    EXPECT_LT(now_ns() - beat(), DW_INSPECT_STALE_NS) << "and does not recover";
}

TEST_F(WorkerTest, ForgetsFramesThatNeverCame) {
    run("t-lost");
    give({frame(Order::forward, 1)});
    std::atomic_ref(shared.given).fetch_add(1000);
    EXPECT_EQ(take(1).size(), 1u);
    EXPECT_EQ(taken(), 1u);
    EXPECT_TRUE(eventually([&] { return taken() == 1001; }, milliseconds(500)));
}

TEST_F(WorkerTest, NeverTakesMoreThanWasGiven) {
    run("t-stray");
    pair->give(
        {frame(Order::forward, 1), frame(Order::forward, 2)});  // of the stack's own, not of the programs'
    EXPECT_EQ(take(2).size(), 2u);
    EXPECT_EQ(taken(), 0u);
}

TEST_F(WorkerTest, OwesNothingOfItsPredecessor) {
    shared.given = 5000;
    shared.taken = 1200;
    run("t-heir");
    EXPECT_EQ(taken(), 5000u);
}

// What the inspector was told to do takes effect with a tick.
TEST_F(WorkerTest, TicksBeforeTheFirstFrame) {
    pair.emplace("t-first");
    pair->give({frame(Order::forward, 1)});
    start();
    EXPECT_EQ(take(1).size(), 1u);
    EXPECT_GT(inspector.ticks_before, 0u);
}

TEST_F(WorkerTest, CannotRunOnACoreThatIsNotThere) {
    pair.emplace("t-core");
    worker = std::make_unique<Worker>(3, std::move(pair->ports.second), &shared);
    inspector.sender = &worker->sender();
    const Result<void> started = worker->start(&inspector, 1000);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().message, "worker 3 cannot run on core 1000: Invalid argument");
}

}  // namespace
}  // namespace dishwall
