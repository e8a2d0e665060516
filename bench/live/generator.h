// SPDX-License-Identifier: BSD-3-Clause
//
// Runs the generator's programs under BPF_PROG_TEST_RUN with live frames, and says what it offered and how
// long the kernel took for all of it: making, the veth, and whatever the device under test did, on this one
// CPU.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

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

// A list of DW_LISTED packets, and the template of those that are TCP.
struct Listing {
    std::vector<dw_listed> packets;
    dw_traffic tcp;
};

class Generator {
public:
    [[nodiscard]] static Result<Generator> load();

    // Sends `frames` frames of the set out of the interface `ifindex` of the namespace. `cursor` is the
    // number of the first packet. With `listing` they are its packets, over and over.
    [[nodiscard]] Result<Offered> send(const NetworkNamespace& world, unsigned ifindex, const dw_traffic& set,
                                       std::uint64_t cursor, std::uint32_t frames,
                                       const Listing* listing = nullptr);

    // One packet of the set, as the program writes it, without sending it.
    [[nodiscard]] Result<std::vector<std::uint8_t>> write_one(const dw_traffic& set, std::uint64_t number,
                                                              const Listing* listing = nullptr);

private:
    struct Close {
        void operator()(generator* skeleton) const { generator__destroy(skeleton); }
    };
    [[nodiscard]] Result<int> arm(const dw_traffic& set, std::uint64_t cursor, const Listing* listing);

    std::unique_ptr<generator, Close> skeleton_;
    const Listing* listed_ = nullptr;  // whose packets are in the map
};

}  // namespace dishwall::bench
