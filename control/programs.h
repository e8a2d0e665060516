// SPDX-License-Identifier: BSD-3-Clause
//
// The BPF object, loaded: ingress and egress programs with what they were told (rodata) and the maps they
// use. Loaded twice on the same maps: once to judge traffic, once dry with a trace for `explain` (design D7).
#pragma once

#include "bpf/core/layout.h"
#include "control/kernel_maps.h"
#include "control/stamp.h"
#include "control/skeleton.h"
#include "rules/result.h"

namespace dishwall {

class Programs {
public:
    // `maps`: use these; null: make new ones of the right sizes.
    [[nodiscard]] static Result<Programs> load(const dw_settings& settings, std::uint32_t cpus,
                                               const KernelMaps* maps);

    [[nodiscard]] int ingress_fd() const { return bpf_program__fd(skeleton_->progs.dw_ingress); }
    [[nodiscard]] int egress_fd() const { return bpf_program__fd(skeleton_->progs.dw_egress); }
    // For our end of the pair to a worker: what it hands back.
    [[nodiscard]] int return_fd() const { return bpf_program__fd(skeleton_->progs.dw_return); }
    // Where a tracing instance leaves what the last packet came to; each instance has its own.
    [[nodiscard]] int outcome_fd() const { return bpf_map__fd(skeleton_->maps.outcome); }
    // What the ingress program writes into the frames that it passes.
    [[nodiscard]] Stamp stamp() const { return std::to_array(skeleton_->rodata->settings.stamp); }
    // The object's maps, without the banks of images.
    [[nodiscard]] Result<KernelMaps> maps() const;

private:
    explicit Programs(Skeleton skeleton) : skeleton_(std::move(skeleton)) {}
    Skeleton skeleton_;
};

// The id by which the kernel's tools (bpftool, ip link) know a loaded program.
[[nodiscard]] Result<std::uint32_t> program_id(int program_fd);

}  // namespace dishwall
