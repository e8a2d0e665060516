// SPDX-License-Identifier: BSD-3-Clause
//
// The program that the kernel's verifier approved, by BPF_PROG_TEST_RUN: the kernel repeats one packet and
// reports the mean. One packet is a hot cache, so these numbers say what the instructions cost, not what
// memory costs; the live harness says that. Rows of the same name in native_bench.cc judge the same packets.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "bench/micro/cases.h"
#include "bench/micro/verdicts.h"
#include "bench/published.h"
#include "bpf/core/reason.h"
#include "control/own_writer.h"
#include "control/policy_installer.h"
#include "control/programs.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kBuckets = 131072 / DW_WAYS;
constexpr int kRepeat = 200000;

// `dry` judges and changes nothing: the only way to repeat a packet that would open a flow.
dw_settings settings_for_bench(bool dry, bool trace) {
    dw_settings settings = {};
    settings.bucket_mask = kBuckets - 1;
    settings.hz = static_cast<std::uint32_t>(::sysconf(_SC_CLK_TCK));
    settings.dry = dry;
    settings.trace = trace;
    for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) settings.secret[i] = 0x9e3779b97f4a7c15 * (i + 1);
    return settings;
}

struct Run {
    dw_outcome outcome = {};  // when the instance traces
    double ns = 0;
};

// The program on maps of its own, with the micro policy in force, loaded twice: once tracing, for the check,
// and once as it is in production.
class KernelCore {
public:
    [[nodiscard]] static Result<KernelCore> load(bool dry);
    [[nodiscard]] Result<Run> run(Direction direction, const Bytes& frame, int repeat);
    [[nodiscard]] std::uint32_t verifier_steps() const;

private:
    KernelCore(Programs tracing, Programs silent, KernelMaps maps)
        : tracing_(std::move(tracing)), silent_(std::move(silent)), maps_(std::move(maps)) {}

    Programs tracing_, silent_;
    KernelMaps maps_;
};

Result<void> put_in_force(const KernelMaps& maps) {
    auto policy = policy_of(rule_file(published_services(kMicroServices), 131072));
    if (!policy) return tl::unexpected(policy.error());
    auto image = image_of(*policy);
    if (!image) return tl::unexpected(image.error());
    auto own = OwnWriter::open(maps);
    if (!own) return tl::unexpected(own.error());
    if (auto written = own->write(own_of_the_gateway()); !written) return written;
    auto installer = PolicyInstaller::open(maps);
    if (!installer) return tl::unexpected(installer.error());
    auto installed = installer->install(*image);
    if (!installed) return tl::unexpected(installed.error());
    return {};
}

Result<KernelMaps> maps_in_force(const Programs& programs) {
    auto maps = programs.maps();
    if (!maps) return tl::unexpected(maps.error());
    dw_control control = {};
    control.magic = DW_MAGIC;
    control.layout = DW_LAYOUT_VERSION;
    if (auto written = write_control(*maps, control); !written) return tl::unexpected(written.error());
    if (auto filled = put_in_force(*maps); !filled) return tl::unexpected(filled.error());
    return maps;
}

Result<KernelCore> KernelCore::load(bool dry) {
    const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
    auto tracing = Programs::load(settings_for_bench(dry, true), cpus, nullptr);
    if (!tracing) return tl::unexpected(tracing.error());
    auto maps = maps_in_force(*tracing);
    if (!maps) return tl::unexpected(maps.error());
    auto silent = Programs::load(settings_for_bench(dry, false), cpus, &*maps);
    if (!silent) return tl::unexpected(silent.error());
    return KernelCore(std::move(*tracing), std::move(*silent), std::move(*maps));
}

// Once: traced. Repeated: timed.
Result<Run> KernelCore::run(Direction direction, const Bytes& frame, int repeat) {
    const Programs& programs = repeat == 1 ? tracing_ : silent_;
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.repeat = repeat;
    const bool inbound = direction == Direction::inbound;
    const int error =
        bpf_prog_test_run_opts(inbound ? programs.ingress_fd() : programs.egress_fd(), &options);
    if (error != 0) return fail("BPF_PROG_TEST_RUN: {}", std::strerror(-error));
    Run run;
    run.ns = options.duration;
    auto left = Mapping::of(programs.outcome_fd(), sizeof(dw_outcome), Mapping::Access::read);
    if (!left) return tl::unexpected(left.error());
    run.outcome = *left->as<dw_outcome>();
    return run;
}

std::uint32_t KernelCore::verifier_steps() const {
    bpf_prog_info info = {};
    std::uint32_t size = sizeof(info);
    return bpf_obj_get_info_by_fd(silent_.ingress_fd(), &info, &size) == 0 ? info.verified_insns : 0;
}

void judge(benchmark::State& state, const Case& c) {
    auto core = KernelCore::load(c.reason == DW_REASON_RULE_ACCEPT);
    if (!core) return refuse(state, core.error().message);
    if (c.needs_flow)
        if (auto opened = core->run(Direction::outbound, opening_frame(), 1); !opened)
            return refuse(state, opened.error().message);
    Bytes frame = c.frame;
    vary_inbound(frame, 0);
    const auto checked = core->run(Direction::inbound, frame, 1);
    if (!checked) return refuse(state, checked.error().message);
    if (const std::string wrong = difference(c, checked->outcome); !wrong.empty())
        return refuse(state, wrong);
    for (auto _ : state) {
        const auto run = core->run(Direction::inbound, frame, kRepeat);
        if (!run) return refuse(state, run.error().message);
        state.SetIterationTime(run->ns * 1e-9);
    }
    state.counters["verifier_steps"] = core->verifier_steps();
}

}  // namespace

void register_kernel_benches(bool quick) {
    for (const Case& c : inbound_cases()) {
        const char* how = c.reason == DW_REASON_RULE_ACCEPT ? "dry" : "1";
        benchmark::RegisterBenchmark(fmt::format("kernel/{}/{}", c.name, how).c_str(),
                                     [c](benchmark::State& state) { judge(state, c); })
            ->UseManualTime()
            ->Iterations(quick ? 1 : 20);
    }
}

}  // namespace dishwall::bench
