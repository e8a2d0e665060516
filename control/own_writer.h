// SPDX-License-Identifier: BSD-3-Clause
//
// Puts what is ours in force and reads it back: fills the next copy of dw_own through the mapping, then moves
// one index (design D3). No system call and no map update, so a renumbering takes microseconds whatever the
// number of rules.
#pragma once

#include <chrono>
#include <cstdint>

#include "control/kernel_maps.h"
#include "control/mapping.h"
#include "rules/own.h"
#include "rules/result.h"

namespace dishwall {

class OwnWriter {
public:
    // A packet that has read the index may still be reading the copy behind it: a copy comes round again only
    // after DW_OWN_COPIES - 1 times this.
    static constexpr std::chrono::milliseconds kSpacing{1};

    [[nodiscard]] static Result<OwnWriter> open(const KernelMaps& maps);

    // What is in force, as far as the layout keeps it.
    [[nodiscard]] Own in_force() const;

    // Waits up to kSpacing after the write before. Fails, with nothing changed, when `own` does not fit.
    [[nodiscard]] Result<void> write(const Own& own);

private:
    OwnWriter(Mapping control, Mapping copies) : control_(std::move(control)), copies_(std::move(copies)) {}

    Mapping control_;
    Mapping copies_;
    std::chrono::steady_clock::time_point written_at_{};
};

// What both agree on: the prefixes that have the same number (source) before and after, everything else as
// after. While an image that numbers the sources anew is swapped in, nothing else may be ours. Addresses of learnt
// hosts are those of both, since an id means the same host before and after: each image finds its own.
[[nodiscard]] Own common_part(const Own& before, const Own& after);

}  // namespace dishwall
