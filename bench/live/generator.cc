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

// Returns the program that makes the set's packets.
Result<int> Generator::arm(const dw_traffic& set, std::uint64_t cursor, const Listing* listing) {
    skeleton_->bss->traffic = set;
    skeleton_->bss->traffic.cursor = cursor;
    if (listing == nullptr) return bpf_program__fd(skeleton_->progs.generate);
    skeleton_->bss->tcp_traffic = listing->tcp;
    const int map = bpf_map__fd(skeleton_->maps.listed);
    for (std::uint32_t at = 0; listing != listed_ && at < DW_LISTED; ++at)
        if (bpf_map_update_elem(map, &at, &listing->packets[at], BPF_ANY) != 0)
            return fail("cannot fill the generator's list: {}", std::strerror(errno));
    listed_ = listing;
    return bpf_program__fd(skeleton_->progs.generate_listed);
}

Result<Offered> Generator::send(const NetworkNamespace& world, unsigned ifindex, const dw_traffic& set,
                                std::uint64_t cursor, std::uint32_t frames, const Listing* listing) {
    auto program = arm(set, cursor, listing);
    if (!program) return tl::unexpected(program.error());
    dw_traffic& traffic = skeleton_->bss->traffic;
    traffic.ifindex = ifindex;

    std::uint8_t first_frame[DW_LONG_FRAME_LENGTH] = {};
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    options.data_in = first_frame;
    options.data_size_in = set.length;
    options.repeat = static_cast<int>(frames);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.batch_size = kBatch;

    auto inside = Inside::enter(world);  // the redirect looks up ifindex in the caller's namespace
    if (!inside) return tl::unexpected(inside.error());
    const long before = preemptions_of_this_thread();
    const int error = bpf_prog_test_run_opts(*program, &options);
    if (error != 0)
        return fail("cannot send live frames: {} (they need kernel 5.18 or later)", std::strerror(-error));
    const std::uint64_t made = traffic.cursor - cursor;
    return Offered{made, static_cast<double>(options.duration), preemptions_of_this_thread() - before};
}

Result<std::vector<std::uint8_t>> Generator::write_one(const dw_traffic& set, std::uint64_t number,
                                                       const Listing* listing) {
    auto program = arm(set, number, listing);
    if (!program) return tl::unexpected(program.error());
    const std::vector<std::uint8_t> empty(set.length);
    std::vector<std::uint8_t> frame(set.length);
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    options.data_in = empty.data();
    options.data_size_in = static_cast<std::uint32_t>(empty.size());
    options.data_out = frame.data();
    options.data_size_out = static_cast<std::uint32_t>(frame.size());
    const int error = bpf_prog_test_run_opts(*program, &options);
    if (error != 0) return fail("cannot run the generator: {}", std::strerror(-error));
    return frame;
}

}  // namespace dishwall::bench
