// SPDX-License-Identifier: BSD-3-Clause
#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "control/mapping.h"
#include "control/own_writer.h"
#include "control/policy_installer.h"
#include "control/programs.h"
#include "tests/core/executor.h"
#include "tests/core/names.h"

namespace dishwall::test {
namespace {

template <typename T>
T or_throw(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}
void or_throw(const Result<void>& result) {
    if (!result) throw std::runtime_error(result.error().message);
}

dw_settings test_settings(unsigned buckets) {
    dw_settings settings{};
    settings.bucket_mask = buckets - 1;
    settings.hz = 1000;
    settings.trace = 1;
    for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) settings.secret[i] = kTestSecret * (i + 1);
    return settings;
}

std::uint32_t cpu_count() { return static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_CONF)); }

KernelMaps maps_with_images(const Programs& programs) {
    KernelMaps maps = or_throw(programs.maps());
    or_throw(make_images(&maps));
    dw_control control{};
    control.magic = DW_MAGIC;
    control.layout = DW_LAYOUT_VERSION;
    or_throw(write_control(maps, control));
    return maps;
}

class BpfExecutor final : public Executor {
public:
    explicit BpfExecutor(unsigned buckets)
        : buckets_(buckets),
          cpus_(cpu_count()),
          programs_(or_throw(Programs::load(test_settings(buckets), cpus_, nullptr))),
          maps_(maps_with_images(programs_)),
          installer_(or_throw(PolicyInstaller::open(maps_))),
          own_(or_throw(OwnWriter::open(maps_))),
          flows_(or_throw(Mapping::of(maps_.flows.get(), buckets * sizeof(dw_bucket), Mapping::Access::write))),
          counters_(or_throw(Mapping::of(maps_.counters.get(), DW_COUNTERS * cpus_ * sizeof(dw_counter),
                                         Mapping::Access::read))),
          outcome_(or_throw(
              Mapping::of(programs_.outcome_fd(), sizeof(dw_outcome), Mapping::Access::write))) {}

    void install(const std::vector<std::byte>& image) override { or_throw(installer_.install(image)); }
    void set_own(const Own& own) override { or_throw(own_.write(own)); }
    void forget_flows() override {
        std::memset(static_cast<void*>(flows_.as<dw_bucket>()), 0, buckets_ * sizeof(dw_bucket));
    }
    dw_outcome run(Direction direction, const Bytes& frame) override {
        const bool inbound = direction == Direction::inbound;
        std::memset(outcome_.as<dw_outcome>(), 0xee, sizeof(dw_outcome));
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(),
                    .data_size_in = static_cast<std::uint32_t>(frame.size()), .repeat = 1);
        const int error =
            bpf_prog_test_run_opts(inbound ? programs_.ingress_fd() : programs_.egress_fd(), &options);
        if (error != 0) throw std::runtime_error(std::string("BPF_PROG_TEST_RUN: ") + std::strerror(-error));
        const dw_outcome outcome = *outcome_.as<dw_outcome>();
        const std::uint32_t pass = inbound ? 2 /* XDP_PASS */ : 0xffffffff /* TC_ACT_UNSPEC */;
        if ((options.retval == pass) != (outcome.verdict == DW_ACCEPT))
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
    dw_flow flow(std::uint32_t id) override {
        return flows_.as<dw_bucket>()[(id - 1) / DW_WAYS].flow[(id - 1) % DW_WAYS];
    }
    dw_counter counter(std::uint32_t id) override {
        dw_counter total{};
        for (std::uint32_t cpu = 0; cpu < cpus_; ++cpu) {
            const dw_counter& one = counters_.as<dw_counter>()[cpu * DW_COUNTERS + id];
            total.packets += one.packets;
            total.bytes += one.bytes;
        }
        return total;
    }

private:
    unsigned buckets_;
    std::uint32_t cpus_;
    Programs programs_;
    KernelMaps maps_;
    PolicyInstaller installer_;
    OwnWriter own_;
    Mapping flows_;
    Mapping counters_;
    Mapping outcome_;
};

}  // namespace

std::unique_ptr<Executor> make_bpf_executor(unsigned buckets) { return std::make_unique<BpfExecutor>(buckets); }

}  // namespace dishwall::test
