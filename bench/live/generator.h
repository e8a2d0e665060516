// SPDX-License-Identifier: BSD-3-Clause
//
// Runs the generator program under BPF_PROG_TEST_RUN with live frames, and says what it offered and how long
// the kernel took for all of it: making, the veth, and whatever the device under test did, on this one CPU.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "bench/live/netns.h"
#include "bench/live/skeletons.h"
#include "bench/live/traffic.h"
#include "rules/result.h"

namespace dishwall::bench {

struct Offered {
    std::uint64_t frames = 0;  // that the generator made
    double ns_per_frame = 0;   // the kernel's clock; time given to other tasks between batches is not in it
    long preemptions = 0;      // how often another task took the CPU
};

class Generator {
public:
    [[nodiscard]] static Result<Generator> load();

    // Sends `frames` frames of the set out of the interface `ifindex` of the namespace. `cursor` is the
    // number of the first packet.
    [[nodiscard]] Result<Offered> send(const NetworkNamespace& world, unsigned ifindex, const dw_traffic& set,
                                       std::uint64_t cursor, std::uint32_t frames);

    // One packet of the set, as the program writes it, without sending it.
    [[nodiscard]] Result<std::array<std::uint8_t, DW_FRAME_LENGTH>> write_one(const dw_traffic& set,
                                                                              std::uint64_t number);

private:
    struct Close {
        void operator()(generator* skeleton) const { generator__destroy(skeleton); }
    };
    std::unique_ptr<generator, Close> skeleton_;
};

}  // namespace dishwall::bench
