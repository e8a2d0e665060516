// SPDX-License-Identifier: BSD-3-Clause
//
// R27 on the loaded programs: a thread on each of the machine's CPUs runs them (BPF_PROG_TEST_RUN) on the
// same keys at the same time. Needs root.
#include <gtest/gtest.h>
#include <sched.h>

#include <mutex>
#include <vector>

#include "tests/core/concurrency_scenes.h"
#include "tests/core/executor.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

// The CPUs that this process may run on, two at the most: more would only wait for each other here.
std::vector<int> usable_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE && cpus.size() < 2; ++cpu)
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return cpus;
}

class KernelMachine final : public Machine {
public:
    explicit KernelMachine(unsigned buckets) : executor_(make_bpf_executor({.buckets = buckets})) {
        for (unsigned i = 0; i < kChanges; ++i)
            images_.push_back(lower_or_throw(read_or_throw(changing_rules(i))));
        executor_->set_own(changing_own(0));
        executor_->install(images_[0]);
        EXPECT_EQ(::sched_getaffinity(0, sizeof home_, &home_), 0);
    }
    ~KernelMachine() override { ::sched_setaffinity(0, sizeof home_, &home_); }
    KernelMachine(const KernelMachine&) = delete;
    KernelMachine& operator=(const KernelMachine&) = delete;

    [[nodiscard]] unsigned cpus() const override { return static_cast<unsigned>(cpus_.size()); }
    void enter(unsigned cpu) override {
        cpu_set_t only;
        CPU_ZERO(&only);
        CPU_SET(static_cast<unsigned>(cpus_[cpu]), &only);
        EXPECT_EQ(::sched_setaffinity(0, sizeof only, &only), 0);
    }
    bool pass(unsigned, Direction direction, const Bytes& frame, unsigned times) override {
        return executor_->pass(direction, frame, times);
    }
    // As the daemon does it: one writer, all CPUs follow.
    void change(unsigned, unsigned number) override {
        const std::lock_guard lock(writer_);
        executor_->install(images_[number % kChanges]);
        executor_->set_own(changing_own(number));
    }
    [[nodiscard]] std::span<const dw_slots> slots() const override { return executor_->slots(); }
    [[nodiscard]] std::span<const dw_flow> flows() const override { return executor_->flows(); }
    [[nodiscard]] std::span<const dw_fragment_bucket> fragments() const override {
        return executor_->fragments();
    }

private:
    std::vector<int> cpus_ = usable_cpus();
    cpu_set_t home_{};
    std::unique_ptr<Executor> executor_;
    std::vector<CompiledImage> images_;
    std::mutex writer_;
};

TEST(ConcurrencyBpf, FlowsOpenOnce) {
    KernelMachine machine(1024);
    flows_open_once(machine, 2000);
}

TEST(ConcurrencyBpf, SimultaneousOpensWork) {
    KernelMachine machine(1024);
    simultaneous_opens_work(machine, 2000);
}

TEST(ConcurrencyBpf, CountsAddUp) {
    KernelMachine machine(1024);
    counts_add_up(machine, 2, 20'000);  // the kernel waits before it runs an XDP program more than once
}

TEST(ConcurrencyBpf, DatagramsOpenOnce) {
    KernelMachine machine(1024);
    datagrams_open_once(machine, 2000);
}

TEST(ConcurrencyBpf, RatesHold) {
    KernelMachine machine(1024);
    rates_hold(machine);
}

TEST(ConcurrencyBpf, StrangersStayOut) {
    for (const unsigned buckets : {1u, 2u, 8u}) {
        KernelMachine machine(buckets);
        strangers_stay_out(machine, 5000);
    }
}

}  // namespace
}  // namespace dishwall::test
