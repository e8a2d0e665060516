// SPDX-License-Identifier: BSD-3-Clause
#include "control/kernel_clock.h"

#include <array>
#include <chrono>
#include <cmath>
#include <thread>

#include "control/kernel_support.h"
#include "control/skeleton.h"

namespace dishwall {
namespace {

constexpr std::array<std::uint32_t, 4> kPossibleHz{100, 250, 300, 1000};
// Long enough to tell 250 from 300 when either reading is one jiffy off.
constexpr std::chrono::milliseconds kMeasurement{60};

void keep_only_clock(dishwall_bpf& skeleton) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton.obj) {
        bpf_program__set_autoload(program, program == skeleton.progs.dw_clock);
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, skeleton.obj) {
        if (!bpf_map__is_internal(map)) bpf_map__set_autocreate(map, false);
    }
}

}  // namespace

std::uint32_t nearest_hz(const KernelInstant& earlier, const KernelInstant& later) {
    const double seconds = static_cast<double>(later.monotonic_ns - earlier.monotonic_ns) / 1e9;
    const double measured = static_cast<double>(later.jiffies - earlier.jiffies) / seconds;
    std::uint32_t best = kPossibleHz.front();
    for (const std::uint32_t hz : kPossibleHz)
        if (std::abs(measured - hz) < std::abs(measured - best)) best = hz;
    return best;
}

Result<KernelClock> KernelClock::load() {
    const Skeleton skeleton(dishwall_bpf__open());
    if (!skeleton) return fail("cannot open the built-in BPF object: {}", std::strerror(errno));
    keep_only_clock(*skeleton);
    if (const int error = bpf_object__load(skeleton->obj); error != 0)
        return fail("cannot load the clock program: {}", describe_bpf_error(-error));
    Result<UniqueFd> program = UniqueFd::duplicate_of(bpf_program__fd(skeleton->progs.dw_clock));
    if (!program) return tl::unexpected(program.error());
    return KernelClock(std::move(*program));
}

Result<KernelInstant> KernelClock::now() const {
    KernelInstant instant;
    static_assert(sizeof instant == 2 * sizeof(std::uint64_t), "the context of dw_clock");
    bpf_test_run_opts run{};
    run.sz = sizeof run;
    run.ctx_in = &instant;
    run.ctx_size_in = sizeof instant;
    // A syscall program writes its results into the context it was given.
    if (const int error = bpf_prog_test_run_opts(program_.get(), &run); error != 0)
        return fail("cannot run the clock program: {}", describe_bpf_error(-error));
    return instant;
}

Result<std::uint32_t> KernelClock::measure_hz() const {
    const Result<KernelInstant> earlier = now();
    if (!earlier) return tl::unexpected(earlier.error());
    std::this_thread::sleep_for(kMeasurement);
    const Result<KernelInstant> later = now();
    if (!later) return tl::unexpected(later.error());
    return nearest_hz(*earlier, *later);
}

}  // namespace dishwall
