// SPDX-License-Identifier: BSD-3-Clause
//
// The maps that programs and daemon share. They are pinned, so that a restarted daemon finds the flows,
// counters and the policy in force, and adopts them when they were made for the same layout and sizes
// (design D5). The pin of `control` is the seal: it is removed first and set last, so a crash between
// two pins leaves maps that nobody adopts, never a mixture.
#pragma once

#include <optional>
#include <string>

#include "bpf/core/layout.h"
#include "control/image_bank.h"
#include "control/pin_directory.h"
#include "control/stamp.h"
#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

struct KernelMaps {
    UniqueFd control, own, slots, flows, fragments, link, rates, inspection, counters,
        policy, events;
};

// A map by its name in the BPF object and in the pin directory.
struct NamedMap {
    const char* name;
    UniqueFd KernelMaps::*fd;
};
inline constexpr NamedMap kObjectMaps[] = {
    {"control", &KernelMaps::control},   {"own", &KernelMaps::own},
    {"slots", &KernelMaps::slots},       {"flows", &KernelMaps::flows},
    {"fragments", &KernelMaps::fragments}, {"link", &KernelMaps::link},
    {"rates", &KernelMaps::rates},       {"inspection", &KernelMaps::inspection},
    {"counters", &KernelMaps::counters},
    {"policy", &KernelMaps::policy},     {"events", &KernelMaps::events},
};

// What the maps must have been made for.
struct MapSizes {
    std::uint32_t buckets = 0;  // of the flow table
    std::uint32_t cpus = 0;     // counter blocks
};

struct PinnedMaps {
    std::optional<KernelMaps> maps;      // empty: nothing to adopt
    ImageBanks banks = empty_banks();    // what hangs on `policy`
    dw_control control{};                // as it is in the adopted maps
    std::string why_not;                 // when there were pins that do not fit; empty when there were none
};

// The stamp of the programs that the pinned maps were made for; all zero when there are none.
[[nodiscard]] Stamp pinned_stamp(const PinDirectory& pins);
[[nodiscard]] Result<PinnedMaps> find_pinned_maps(const PinDirectory& pins, const MapSizes& sizes);
// Pins them in the place of whatever was pinned before, by older versions as well, without the seal: that is set
// once the banks are pinned, too.
[[nodiscard]] Result<void> pin_maps(const PinDirectory& pins, const KernelMaps& maps);
[[nodiscard]] Result<void> seal_maps(const PinDirectory& pins, const KernelMaps& maps);
// Of the banks and of older versions as well. Returns how many pins were removed.
[[nodiscard]] Result<unsigned> unpin_maps(const PinDirectory& pins);

// Writes what `control` says of these maps.
[[nodiscard]] Result<void> write_control(const KernelMaps& maps, const dw_control& control);

}  // namespace dishwall
