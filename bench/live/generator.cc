// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/generator.h"

#include <bpf/bpf.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace dishwall::bench {
namespace {

constexpr unsigned kBatch = 64;  // what one NAPI poll takes

long preemptions_of_this_thread() {
    rusage usage = {};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

}  // namespace

Result<Generator> Generator::load() {
    Generator loaded;
    loaded.skeleton_.reset(generator__open_and_load());
    if (!loaded.skeleton_) return fail("cannot load the generator: {}", std::strerror(errno));
    return loaded;
}

Result<Offered> Generator::send(const NetworkNamespace& world, unsigned ifindex, const dw_traffic& set,
                                std::uint64_t cursor, std::uint32_t frames) {
    dw_traffic& traffic = skeleton_->bss->traffic;
    traffic = set;
    traffic.ifindex = ifindex;
    traffic.cursor = cursor;

    std::uint8_t first_frame[DW_FRAME_LENGTH] = {};
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    options.data_in = first_frame;
    options.data_size_in = sizeof(first_frame);
    options.repeat = static_cast<int>(frames);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.batch_size = kBatch;

    auto inside = Inside::enter(world);  // the redirect looks up ifindex in the caller's namespace
    if (!inside) return tl::unexpected(inside.error());
    const long before = preemptions_of_this_thread();
    const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.generate), &options);
    if (error != 0)
        return fail("cannot send live frames: {} (they need kernel 5.18 or later)", std::strerror(-error));
    const std::uint64_t made = traffic.cursor - cursor;
    return Offered{made, static_cast<double>(options.duration), preemptions_of_this_thread() - before};
}

Result<std::array<std::uint8_t, DW_FRAME_LENGTH>> Generator::write_one(const dw_traffic& set,
                                                                       std::uint64_t number) {
    skeleton_->bss->traffic = set;
    skeleton_->bss->traffic.cursor = number;
    const std::array<std::uint8_t, DW_FRAME_LENGTH> empty = {};
    std::array<std::uint8_t, DW_FRAME_LENGTH> frame = {};
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    options.data_in = empty.data();
    options.data_size_in = empty.size();
    options.data_out = frame.data();
    options.data_size_out = frame.size();
    const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.generate), &options);
    if (error != 0) return fail("cannot run the generator: {}", std::strerror(-error));
    return frame;
}

}  // namespace dishwall::bench
