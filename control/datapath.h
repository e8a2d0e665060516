// SPDX-License-Identifier: BSD-3-Clause
//
// Everything of ours in the kernel, but for where it is attached: maps, the programs on them, and the
// daemon's views of their memory. Opened once at start: adopted from the pins of a former daemon when they
// fit, made anew when they do not (design D5).
#pragma once

#include <span>

#include "control/counter_reader.h"
#include "control/flow_json.h"
#include "control/flow_reader.h"
#include "control/kernel_clock.h"
#include "control/kernel_maps.h"
#include "control/own_writer.h"
#include "control/policy_installer.h"
#include "control/programs.h"
#include "rules/result.h"

namespace dishwall {

class Datapath {
public:
    // `flow_table`: flows, a power of two. Nothing is attached or pinned by this. What is adopted keeps its pins
    // true: `pins` must outlive it then.
    [[nodiscard]] static Result<Datapath> open(const PinDirectory& pins, unsigned flow_table);

    // True: flows, counters and policy of a former daemon live on.
    [[nodiscard]] bool adopted() const { return adopted_; }
    [[nodiscard]] const KernelMaps& maps() const { return parts_.maps; }
    [[nodiscard]] const Programs& programs() const { return parts_.programs; }
    [[nodiscard]] const dw_settings& settings() const { return parts_.settings; }
    [[nodiscard]] std::uint32_t cpus() const { return parts_.cpus; }

    [[nodiscard]] OwnWriter& own() { return own_; }
    [[nodiscard]] PolicyInstaller& policy() { return policy_; }
    [[nodiscard]] CounterReader& counters() { return counters_; }

    // Swaps image and `own` so that no packet is judged by an image with prefixes numbered for another one.
    // When it fails, what was in force still is. Returns the generation.
    [[nodiscard]] Result<std::uint32_t> put_in_force(const CompiledImage& image, const Own& own);
    // Pins maps and banks for the next daemon, which believes them once all of it is done. `pins` must outlive
    // this.
    [[nodiscard]] Result<void> pin(const PinDirectory& pins);

    [[nodiscard]] FlowTable flows() const {
        return {slots_.as_array<dw_slots>(buckets()), flows_.as_array<dw_flow>(buckets() * DW_WAYS)};
    }
    // Both need a policy in force.
    [[nodiscard]] FlowTimes flow_times(const KernelInstant& now) const;
    [[nodiscard]] Result<KernelInstant> now() const { return parts_.clock.now(); }
    [[nodiscard]] WallClock wall_clock(const KernelInstant& now) const;

private:
    struct Parts {
        KernelClock clock;
        dw_settings settings;
        std::uint32_t cpus;
        KernelMaps maps;
        Programs programs;
    };
    [[nodiscard]] static Result<Parts> adopt(KernelClock clock, PinnedMaps* pinned, std::uint32_t cpus);
    [[nodiscard]] static Result<Parts> make(KernelClock clock, const MapSizes& sizes);

    Datapath(bool adopted, Parts parts, OwnWriter own, PolicyInstaller policy, CounterReader counters,
             Mapping slots, Mapping flows)
        : adopted_(adopted),
          parts_(std::move(parts)),
          own_(std::move(own)),
          policy_(std::move(policy)),
          counters_(std::move(counters)),
          slots_(std::move(slots)),
          flows_(std::move(flows)) {}
    [[nodiscard]] std::size_t buckets() const { return parts_.settings.bucket_mask + std::size_t{1}; }

    bool adopted_;
    Parts parts_;
    OwnWriter own_;
    PolicyInstaller policy_;
    CounterReader counters_;
    Mapping slots_, flows_;
};

}  // namespace dishwall
