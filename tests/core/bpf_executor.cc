// SPDX-License-Identifier: BSD-3-Clause
#include <bpf/bpf.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "control/clock.h"
#include "control/mapping.h"
#include "control/own_writer.h"
#include "control/policy_installer.h"
#include "control/programs.h"
#include "tests/core/age.h"
#include "tests/core/executor.h"
#include "tests/core/names.h"

namespace dishwall::test {
namespace {

constexpr std::uint32_t kXdpPass = 2, kGoOn = 0xffffffff;  // XDP_PASS, TC_ACT_UNSPEC
constexpr std::uint32_t kXdpRedirect = 4, kTcRedirect = 7;
constexpr unsigned kHz = 1000;  // as the native executor's, whatever a jiffy is worth here

template <typename T>
T or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}
void or_throw(const Result<void>& result) {
    if (!result) throw std::runtime_error(result.error().message);
}

dw_settings test_settings(const TableSetup& setup) {
    dw_settings settings{};
    settings.bucket_mask = setup.buckets - 1;
    settings.ask_neighbours = setup.strangers;
    settings.hz = kHz;
    settings.trace = 1;
    for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) settings.secret[i] = kTestSecret * (i + 1);
    return settings;
}

std::uint32_t cpu_count() { return static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_CONF)); }

KernelMaps described_maps(const Programs& programs) {
    KernelMaps maps = or_throw(programs.maps());
    dw_control control{};
    control.magic = DW_MAGIC;
    control.layout = DW_LAYOUT_VERSION;
    or_throw(write_control(maps, control));
    return maps;
}

// A network namespace in which the world's networks are on a link, and nobody there is known. The programs
// are run in it, because the helper that asks for neighbours looks into the namespace of the test run.
class Strangers {
public:
    Strangers() : home_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        if (home_ < 0 || ::unshare(CLONE_NEWNET) != 0)
            throw std::runtime_error("cannot make a network namespace");
        constexpr char kSetUp[] =
            "ip link set lo up && ip link add lan type veth peer name other && ip link set lan up && "
            "ip link set other up && ip -6 route add 2001:db8:aa00::/56 dev lan && "
            "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
        const bool made = std::system(kSetUp) == 0;
        there_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        go(home_);
        if (!made || there_ < 0) throw std::runtime_error("cannot set up the namespace of strangers");
    }
    ~Strangers() {
        ::close(there_);
        ::close(home_);
    }
    Strangers(const Strangers&) = delete;
    Strangers& operator=(const Strangers&) = delete;

    template <typename Action>
    auto run(Action action) const {
        go(there_);
        const auto result = action();
        go(home_);
        return result;
    }

private:
    static void go(int where) {
        if (::setns(where, CLONE_NEWNET) != 0) throw std::runtime_error("setns");
    }
    int home_ = -1, there_ = -1;
};

class BpfExecutor final : public Executor {
public:
    explicit BpfExecutor(const TableSetup& setup)
        : buckets_(setup.buckets),
          strangers_(setup.strangers ? std::make_unique<Strangers>() : nullptr),
          cpus_(cpu_count()),
          programs_(or_throw(Programs::load(test_settings(setup), cpus_, nullptr))),
          maps_(described_maps(programs_)),
          installer_(or_throw(PolicyInstaller::open(maps_))),
          own_(or_throw(OwnWriter::open(maps_))),
          slots_(
              or_throw(Mapping::of(maps_.slots.get(), buckets_ * sizeof(dw_slots), Mapping::Access::write))),
          flows_(or_throw(
              Mapping::of(maps_.flows.get(), buckets_ * DW_WAYS * sizeof(dw_flow), Mapping::Access::write))),
          fragments_(
              or_throw(Mapping::of(maps_.fragments.get(), DW_FRAGMENT_BUCKETS * sizeof(dw_fragment_bucket),
                                   Mapping::Access::write))),
          link_(or_throw(Mapping::of(maps_.link.get(), sizeof(dw_link), Mapping::Access::write))),
          rates_(or_throw(Mapping::of(maps_.rates.get(), sizeof(dw_rates), Mapping::Access::write))),
          inspection_(
              or_throw(Mapping::of(maps_.inspection.get(), sizeof(dw_inspection), Mapping::Access::write))),
          counters_(or_throw(Mapping::of(maps_.counters.get(), DW_COUNTERS * cpus_ * sizeof(dw_counter),
                                         Mapping::Access::read))),
          outcome_(
              or_throw(Mapping::of(programs_.outcome_fd(), sizeof(dw_outcome), Mapping::Access::write))) {}

    void install(const CompiledImage& compiled) override { or_throw(installer_.install(compiled)); }
    void set_own(const Own& own) override { or_throw(own_.write(own)); }
    void forget() override {
        std::memset(static_cast<void*>(slots_.as<dw_slots>()), 0, slots().size_bytes());
        std::memset(static_cast<void*>(flows_.as<dw_flow>()), 0, flows().size_bytes());
        std::memset(static_cast<void*>(fragments_.as<dw_fragment_bucket>()), 0,
                    DW_FRAGMENT_BUCKETS * sizeof(dw_fragment_bucket));
        std::memset(static_cast<void*>(link_.as<dw_link>()), 0, sizeof(dw_link));
        std::memset(static_cast<void*>(rates_.as<dw_rates>()), 0, sizeof(dw_rates));
    }
    void wait(std::chrono::milliseconds time) override {
        const auto jiffies = static_cast<std::uint64_t>(time.count()) * kHz / 1000;
        for (unsigned i = 0; i < buckets_; ++i) age_slots(slots_.as<dw_slots>()[i].word, jiffies);
        for (unsigned i = 0; i < DW_FRAGMENT_BUCKETS; ++i)
            age_slots(fragments_.as<dw_fragment_bucket>()[i].slot, jiffies);
        age_link(link_.as<dw_link>(), jiffies, kHz);
        age_rates(rates_.as<dw_rates>(), jiffies, kHz);
    }
    void set_inspector(Inspector state) override { inspector_ = state; }
    dw_inspection& inspection() override { return *inspection_.as<dw_inspection>(); }
    [[nodiscard]] std::uint64_t clock_ns() const override {
        return static_cast<std::uint64_t>(monotonic_time().count());
    }
    dw_outcome run(Direction direction, const Bytes& frame) override {
        const bool inbound = direction == Direction::inbound;
        show(inspector_, clock_ns(), inspection_.as<dw_inspection>());
        std::memset(outcome_.as<dw_outcome>(), 0xee, sizeof(dw_outcome));
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                    .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = 1);
        const int program = inbound ? programs_.ingress_fd() : programs_.egress_fd();
        const auto once = [&] { return bpf_prog_test_run_opts(program, &options); };
        const int error = strangers_ ? strangers_->run(once) : once();
        if (error != 0) throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(-error));
        const dw_outcome outcome = *outcome_.as<dw_outcome>();
        const std::uint32_t passed = outcome.reason == DW_REASON_INSPECT ? (inbound ? kXdpRedirect : kTcRedirect)
                                                                         : (inbound ? kXdpPass : kGoOn);
        if ((options.retval == passed) != (outcome.verdict == DW_ACCEPT))
            throw std::runtime_error("the hook's return value and the outcome disagree");
        return outcome;
    }
    Bytes reply(const Bytes& frame) override {
        Bytes out(4096);
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = out.data(),
                    .data_size_in = static_cast<std::uint32_t>(frame.size()),
                    .data_size_out = static_cast<std::uint32_t>(out.size()), .repeat = 1);
        const int error = bpf_prog_test_run_opts(programs_.ingress_fd(), &options);
        if (error != 0) throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(-error));
        out.resize(options.retval == 3 /* XDP_TX */ ? options.data_size_out : 0);
        return out;
    }
    dw_flow flow(std::uint32_t id) override { return flows_.as<dw_flow>()[id - 1]; }
    dw_counter counter(std::uint32_t id) override {
        dw_counter total{};
        for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
            const dw_counter& one = counters_.as<dw_counter>()[cpu * DW_COUNTERS + id];
            total.packets += one.packets;
            total.bytes += one.bytes;
        }
        return total;
    }
    bool pass(Direction direction, const Bytes& frame, unsigned times) override {
        const bool inbound = direction == Direction::inbound;
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                    .data_size_in = static_cast<std::uint32_t>(frame.size()),
                    .repeat = static_cast<int>(times));
        const int error =
            bpf_prog_test_run_opts(inbound ? programs_.ingress_fd() : programs_.egress_fd(), &options);
        if (error != 0) throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(-error));
        return options.retval == (inbound ? kXdpPass : kGoOn);
    }
    [[nodiscard]] std::span<const dw_slots> slots() const override {
        return slots_.as_array<const dw_slots>(buckets_);
    }
    [[nodiscard]] std::span<const dw_flow> flows() const override {
        return flows_.as_array<const dw_flow>(buckets_ * DW_WAYS);
    }
    [[nodiscard]] std::span<const dw_fragment_bucket> fragments() const override {
        return fragments_.as_array<const dw_fragment_bucket>(DW_FRAGMENT_BUCKETS);
    }

private:
    unsigned buckets_;
    std::unique_ptr<Strangers> strangers_;  // null: nobody is asked for
    std::uint32_t cpus_;
    Programs programs_;
    KernelMaps maps_;
    PolicyInstaller installer_;
    OwnWriter own_;
    Mapping slots_;
    Mapping flows_;
    Mapping fragments_;
    Mapping link_;
    Mapping rates_;
    Mapping inspection_;
    Inspector inspector_ = Inspector::none;
    Mapping counters_;
    Mapping outcome_;
};

}  // namespace

std::unique_ptr<Executor> make_bpf_executor(const TableSetup& setup) {
    return std::make_unique<BpfExecutor>(setup);
}

}  // namespace dishwall::test
