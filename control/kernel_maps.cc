// SPDX-License-Identifier: BSD-3-Clause
#include "control/kernel_maps.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "control/kernel_support.h"

namespace dishwall {
namespace {

constexpr std::uint32_t kOnly = 0;

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
                      has_shape(maps.flows, sizeof(dw_bucket), sizes.buckets) &&
                      has_shape(maps.fragments, sizeof(dw_fragment_bucket), DW_FRAGMENT_BUCKETS) &&
                      has_shape(maps.link, sizeof(dw_link), 1) &&
                      has_shape(maps.rates, sizeof(dw_rates), 1) &&
                      has_shape(maps.ranges, sizeof(dw_range), 2 * DW_RANGES) &&
                      has_shape(maps.counters, sizeof(dw_counter), DW_COUNTERS * sizes.cpus) &&
                      has_shape(maps.image_a, DW_IMAGE_SIZE, 1) && has_shape(maps.image_b, DW_IMAGE_SIZE, 1);
    return fits ? "" : "their sizes do not fit their own description";
}

// Opens every pin of the table that is there; returns how many were.
template <typename Table>
Result<unsigned> open_pins(const PinDirectory& pins, const Table& table, KernelMaps* maps) {
    unsigned found = 0;
    for (const NamedMap& map : table) {
        Result<std::optional<UniqueFd>> fd = pins.get(map.name);
        if (!fd) return tl::unexpected(fd.error());
        if (!*fd) continue;
        maps->*map.fd = std::move(**fd);
        ++found;
    }
    return found;
}

template <typename Table>
Result<void> pin_all(const PinDirectory& pins, const Table& table, const KernelMaps& maps) {
    for (const NamedMap& map : table) {
        if (map.fd == &KernelMaps::control) continue;  // the seal, set by the caller
        if (Result<void> pinned = pins.put(map.name, (maps.*map.fd).get()); !pinned) return pinned;
    }
    return {};
}

Result<UniqueFd> make_image(const char* name) {
    bpf_map_create_opts options{};
    options.sz = sizeof options;
    options.map_flags = BPF_F_MMAPABLE;
    UniqueFd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(std::uint32_t), DW_IMAGE_SIZE, 1, &options));
    if (!fd.is_open()) return fail("cannot make a policy map: {}", describe_bpf_error(errno));
    return fd;
}

}  // namespace

Stamp pinned_stamp(const PinDirectory& pins) {
    const Result<std::optional<UniqueFd>> map = pins.get("control");
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
    const Result<unsigned> objects = open_pins(pins, kObjectMaps, &maps);
    if (!objects) return tl::unexpected(objects.error());
    const Result<unsigned> images = open_pins(pins, kImageMaps, &maps);
    if (!images) return tl::unexpected(images.error());
    if (*objects + *images == 0) return pinned;
    if (*objects + *images != std::size(kObjectMaps) + std::size(kImageMaps)) {
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
    if (pinned.why_not.empty()) pinned.maps = std::move(maps);
    return pinned;
}

Result<void> pin_maps(const PinDirectory& pins, const KernelMaps& maps) {
    if (Result<bool> unsealed = pins.remove("control"); !unsealed) return tl::unexpected(unsealed.error());
    if (Result<void> pinned = pin_all(pins, kObjectMaps, maps); !pinned) return pinned;
    if (Result<void> pinned = pin_all(pins, kImageMaps, maps); !pinned) return pinned;
    return pins.put("control", maps.control.get());
}

Result<unsigned> unpin_maps(const PinDirectory& pins) {
    unsigned removed = 0;
    const auto remove_all = [&](const auto& table) -> Result<void> {
        for (const NamedMap& map : table) {
            const Result<bool> there = pins.remove(map.name);
            if (!there) return tl::unexpected(there.error());
            removed += *there ? 1 : 0;
        }
        return {};
    };
    if (Result<void> done = remove_all(kObjectMaps); !done) return tl::unexpected(done.error());
    if (Result<void> done = remove_all(kImageMaps); !done) return tl::unexpected(done.error());
    return removed;
}

Result<void> make_images(KernelMaps* maps) {
    for (const NamedMap& map : kImageMaps) {
        Result<UniqueFd> image = make_image(map.name);
        if (!image) return tl::unexpected(image.error());
        maps->*map.fd = std::move(*image);
    }
    return {};
}

Result<void> write_control(const KernelMaps& maps, const dw_control& control) {
    if (bpf_map_update_elem(maps.control.get(), &kOnly, &control, BPF_ANY) != 0)
        return fail("cannot write the control map: {}", describe_bpf_error(errno));
    return {};
}

}  // namespace dishwall
