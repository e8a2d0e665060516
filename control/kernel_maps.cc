// SPDX-License-Identifier: BSD-3-Clause
#include "control/kernel_maps.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <vector>

#include "control/kernel_support.h"

namespace dishwall {
namespace {

constexpr std::uint32_t kOnly = 0;
constexpr char kSeal[] = "control";
// Pins of layouts 4 and older that no map of today replaces: each image was one map of 64 MiB.
constexpr const char* kFormerPins[] = {"image_a", "image_b", "ranges"};

Result<bpf_map_info> info_of(const UniqueFd& map) {
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
        return fail("cannot ask about a map: {}", describe_bpf_error(errno));
    return info;
}

// Pins of a stranger, or of a dishwall with other sizes, are recognised before a byte of them is read.
bool has_shape(const UniqueFd& map, std::uint32_t value_size, std::uint32_t entries) {
    const Result<bpf_map_info> info = info_of(map);
    return info && info->value_size == value_size && info->max_entries == entries;
}

std::string misfit(const dw_control& control, const MapSizes& sizes) {
    if (control.magic != DW_MAGIC) return "they are not dishwall's";
    if (control.layout != DW_LAYOUT_VERSION)
        return fmt::format("they have layout {}, this is layout {}", control.layout, DW_LAYOUT_VERSION);
    if (control.bucket_mask + 1 != sizes.buckets)
        return fmt::format("their flow table has {} slots, the rule file asks for {}",
                           (control.bucket_mask + 1ull) * DW_WAYS, std::uint64_t{sizes.buckets} * DW_WAYS);
    if (control.cpus != sizes.cpus)
        return fmt::format("they were made for {} CPUs, there are {}", control.cpus, sizes.cpus);
    return {};
}

std::string misfit(const KernelMaps& maps, const MapSizes& sizes) {
    const bool fits = has_shape(maps.own, sizeof(dw_own), DW_OWN_COPIES) &&
                      has_shape(maps.slots, sizeof(dw_slots), sizes.buckets) &&
                      has_shape(maps.flows, sizeof(dw_flow), sizes.buckets * DW_WAYS) &&
                      has_shape(maps.fragments, sizeof(dw_fragment_bucket), DW_FRAGMENT_BUCKETS) &&
                      has_shape(maps.link, sizeof(dw_link), 1) &&
                      has_shape(maps.rates, sizeof(dw_rates), 1) &&
                      has_shape(maps.inspection, sizeof(dw_inspection), 1) &&
                      has_shape(maps.counters, sizeof(dw_counter), DW_COUNTERS * sizes.cpus) &&
                      has_shape(maps.policy, sizeof(std::uint32_t), DW_POLICY_SLOTS);
    return fits ? "" : "their sizes do not fit their own description";
}

// Opens every pin that is there; returns how many were.
Result<unsigned> open_pins(const PinDirectory& pins, KernelMaps* maps) {
    unsigned found = 0;
    for (const NamedMap& map : kObjectMaps) {
        Result<std::optional<UniqueFd>> fd = pins.get(map.name);
        if (!fd) return tl::unexpected(fd.error());
        if (!*fd) continue;
        maps->*map.fd = std::move(**fd);
        ++found;
    }
    return found;
}

// Empty, or why the banks are not those of these maps.
std::string open_banks(const PinDirectory& pins, const KernelMaps& maps, ImageBanks* banks) {
    Result<ImageBanks> found = pinned_banks(pins);
    if (!found) return found.error().message;
    if (const auto bank = bank_in_force(maps.policy.get(), *found); !bank) return bank.error().message;
    *banks = std::move(*found);
    return {};
}

}  // namespace

Stamp pinned_stamp(const PinDirectory& pins) {
    const Result<std::optional<UniqueFd>> map = pins.get(kSeal);
    dw_control control{};
    if (!map || !*map || !has_shape(**map, sizeof control, 1)) return {};
    if (bpf_map_lookup_elem((*map)->get(), &kOnly, &control) != 0 || control.magic != DW_MAGIC ||
        control.layout != DW_LAYOUT_VERSION)
        return {};
    return std::to_array(control.stamp);
}

Result<PinnedMaps> find_pinned_maps(const PinDirectory& pins, const MapSizes& sizes) {
    PinnedMaps pinned;
    KernelMaps maps;
    const Result<unsigned> found = open_pins(pins, &maps);
    if (!found) return tl::unexpected(found.error());
    if (*found == 0) return pinned;
    if (*found != std::size(kObjectMaps)) {
        pinned.why_not = "some of them are missing";
        return pinned;
    }
    if (!has_shape(maps.control, sizeof(dw_control), 1)) {
        pinned.why_not = "they are not dishwall's";
        return pinned;
    }
    if (bpf_map_lookup_elem(maps.control.get(), &kOnly, &pinned.control) != 0)
        return fail("cannot read the pinned control map: {}", describe_bpf_error(errno));
    pinned.why_not = misfit(pinned.control, sizes);
    if (pinned.why_not.empty()) pinned.why_not = misfit(maps, sizes);
    if (pinned.why_not.empty()) pinned.why_not = open_banks(pins, maps, &pinned.banks);
    if (pinned.why_not.empty()) pinned.maps = std::move(maps);
    return pinned;
}

Result<void> pin_maps(const PinDirectory& pins, const KernelMaps& maps) {
    if (Result<bool> unsealed = pins.remove(kSeal); !unsealed) return tl::unexpected(unsealed.error());
    for (const char* name : kFormerPins)
        if (const Result<bool> there = pins.remove(name); !there) return tl::unexpected(there.error());
    for (const NamedMap& map : kObjectMaps) {
        if (map.fd == &KernelMaps::control) continue;
        if (Result<void> pinned = pins.put(map.name, (maps.*map.fd).get()); !pinned) return pinned;
    }
    return {};
}

Result<void> seal_maps(const PinDirectory& pins, const KernelMaps& maps) {
    return pins.put(kSeal, maps.control.get());
}

Result<unsigned> unpin_maps(const PinDirectory& pins) {
    std::vector<std::string> names(std::begin(kFormerPins), std::end(kFormerPins));
    for (const NamedMap& map : kObjectMaps) names.emplace_back(map.name);
    for (unsigned bank = 0; bank < DW_BANKS; ++bank)
        for (std::size_t chunk = 0; chunk < DW_CHUNKS; ++chunk) names.push_back(chunk_name(bank, chunk));
    unsigned removed = 0;
    for (const std::string& name : names) {
        const Result<bool> there = pins.remove(name);
        if (!there) return tl::unexpected(there.error());
        removed += *there ? 1 : 0;
    }
    return removed;
}

Result<void> write_control(const KernelMaps& maps, const dw_control& control) {
    if (bpf_map_update_elem(maps.control.get(), &kOnly, &control, BPF_ANY) != 0)
        return fail("cannot write the control map: {}", describe_bpf_error(errno));
    return {};
}

}  // namespace dishwall
