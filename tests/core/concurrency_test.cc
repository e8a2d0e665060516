// SPDX-License-Identifier: BSD-3-Clause
//
// R27 on the native core: threads are CPUs, each with a dw_memory of its own that points at shared tables.
// Compiled with the thread sanitizer, which tells of every access that another thread might see half done.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "bpf/core/native.h"
#include "tests/core/concurrency_scenes.h"
#include "tests/core/names.h"
#include "tests/core/native_image.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

constexpr unsigned kCpus = 4;

class ThreadMachine final : public Machine {
public:
    explicit ThreadMachine(unsigned buckets)
        : slots_(buckets),
          flows_(std::size_t{buckets} * DW_WAYS),
          fragments_(DW_FRAGMENT_BUCKETS),
          owns_(kChanges * 2),
          cpus_(kCpus) {
        for (unsigned i = 0; i < kChanges; ++i) {
            images_.emplace_back(lower_or_throw(read_or_throw(changing_rules(i))));
            images_[i].header()->generation = i + 1;
        }
        for (unsigned i = 0; i < owns_.size(); ++i) EXPECT_TRUE(encode(changing_own(i), &owns_[i]));
        for (unsigned cpu = 0; cpu < kCpus; ++cpu) set_up(cpu);
    }
    [[nodiscard]] unsigned cpus() const override { return kCpus; }
    void enter(unsigned) override {}
    bool pass(unsigned cpu, Direction direction, const Bytes& frame, unsigned times) override {
        const auto judge = direction == Direction::inbound ? dw_native_inbound : dw_native_outbound;
        dw_outcome outcome{};
        for (unsigned i = 0; i < times; ++i) {
            cpus_[cpu].memory.now += i % 2;  // so clocks differ a little
            judge(&cpus_[cpu].memory, frame.data(), static_cast<std::uint32_t>(frame.size()), &outcome);
        }
        return outcome.verdict == DW_ACCEPT;
    }
    // Each CPU finds out by itself, as in the kernel.
    void change(unsigned cpu, unsigned number) override {
        std::as_const(images_[number % kChanges]).put_in_force(&cpus_[cpu].memory);
        cpus_[cpu].memory.own = &owns_[number % owns_.size()];
    }
    [[nodiscard]] std::span<const dw_slots> slots() const override { return slots_; }
    [[nodiscard]] std::span<const dw_flow> flows() const override { return flows_; }
    [[nodiscard]] std::span<const dw_fragment_bucket> fragments() const override { return fragments_; }

private:
    struct Cpu {
        dw_memory memory{};
        dw_event event{};
        std::vector<dw_counter> counters = std::vector<dw_counter>(DW_COUNTERS);
    };
    void set_up(unsigned cpu) {
        Cpu& one = cpus_[cpu];
        one.memory.settings.bucket_mask = static_cast<std::uint32_t>(slots_.size()) - 1;
        one.memory.settings.hz = 1000;
        for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) one.memory.settings.secret[i] = kTestSecret * (i + 1);
        one.memory.slots = slots_.data();
        one.memory.flows = flows_.data();
        one.memory.fragments = fragments_.data();
        one.memory.link = &link_;
        one.memory.rates = rates_.get();
        one.memory.counters = one.counters.data();
        one.memory.event = &one.event;
        one.memory.now = 5'000'000 + cpu;
        change(cpu, 0);
    }

    std::vector<dw_slots> slots_;
    std::vector<dw_flow> flows_;
    std::vector<dw_fragment_bucket> fragments_;
    std::vector<NativeImage> images_;
    std::unique_ptr<dw_rates> rates_ = std::make_unique<dw_rates>();
    std::vector<dw_own> owns_;
    dw_link link_{};
    std::vector<Cpu> cpus_;
};

TEST(Concurrency, FlowsOpenOnce) {
    ThreadMachine machine(1024);
    // 29 % of the table: some do not find room in their first bucket. Four at once take four ways until they have
    // settled, so a fuller table loses a flow of the same class now and then (R25 allows it).
    flows_open_once(machine, 2400);
}

TEST(Concurrency, SimultaneousOpensWork) {
    ThreadMachine machine(1024);
    simultaneous_opens_work(machine, 2000);
}

TEST(Concurrency, CountsAddUp) {
    ThreadMachine machine(1024);
    counts_add_up(machine, 100, 16);
}

TEST(Concurrency, DatagramsOpenOnce) {
    ThreadMachine machine(1024);
    datagrams_open_once(machine, 2000);
}

TEST(Concurrency, RatesHold) {
    ThreadMachine machine(1024);
    rates_hold(machine);
}

TEST(Concurrency, StrangersStayOut) {
    for (const unsigned buckets : {1u, 2u, 8u}) {
        ThreadMachine machine(buckets);
        strangers_stay_out(machine, 20'000);
    }
}

}  // namespace
}  // namespace dishwall::test
