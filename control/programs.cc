// SPDX-License-Identifier: BSD-3-Clause
#include "control/programs.h"

#include <cerrno>

#include "control/kernel_support.h"

namespace dishwall {
namespace {

Result<void> set_entries(bpf_map* map, std::uint64_t entries) {
    const int error = bpf_map__set_max_entries(map, static_cast<std::uint32_t>(entries));
    if (error != 0) return fail("cannot size the map {}: {}", bpf_map__name(map), describe_bpf_error(-error));
    return {};
}

Result<void> set_sizes(dishwall_bpf& skeleton, const dw_settings& settings, std::uint32_t cpus) {
    const std::uint64_t buckets = settings.bucket_mask + 1ull;
    if (Result<void> sized = set_entries(skeleton.maps.slots, buckets); !sized) return sized;
    if (Result<void> sized = set_entries(skeleton.maps.flows, buckets * DW_WAYS); !sized) return sized;
    return set_entries(skeleton.maps.counters, std::uint64_t{DW_COUNTERS} * cpus);
}

Result<void> reuse(dishwall_bpf& skeleton, const KernelMaps& maps) {
    for (const NamedMap& named : kObjectMaps) {
        bpf_map* map = bpf_object__find_map_by_name(skeleton.obj, named.name);
        const int error = bpf_map__reuse_fd(map, (maps.*named.fd).get());
        if (error != 0)
            return fail("cannot use the pinned map {}: {}", named.name, describe_bpf_error(-error));
    }
    return {};
}

}  // namespace

Result<Programs> Programs::load(const dw_settings& settings, std::uint32_t cpus, const KernelMaps* maps) {
    Skeleton skeleton(dishwall_bpf__open());
    if (!skeleton) return fail("cannot open the built-in BPF object: {}", std::strerror(errno));
    skeleton->rodata->settings = settings;
    bpf_program__set_autoload(skeleton->progs.dw_clock, false);
    if (Result<void> sized = set_sizes(*skeleton, settings, cpus); !sized)
        return tl::unexpected(sized.error());
    if (maps != nullptr)
        if (Result<void> reused = reuse(*skeleton, *maps); !reused) return tl::unexpected(reused.error());
    if (const int error = dishwall_bpf__load(skeleton.get()); error != 0)
        return fail("the kernel refuses the BPF programs: {}", describe_bpf_error(-error));
    return Programs(std::move(skeleton));
}

Result<KernelMaps> Programs::maps() const {
    KernelMaps maps;
    for (const NamedMap& named : kObjectMaps) {
        const bpf_map* map = bpf_object__find_map_by_name(skeleton_->obj, named.name);
        Result<UniqueFd> fd = UniqueFd::duplicate_of(bpf_map__fd(map));
        if (!fd) return tl::unexpected(fd.error());
        maps.*named.fd = std::move(*fd);
    }
    return maps;
}

Result<std::uint32_t> program_id(int program_fd) {
    bpf_prog_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(program_fd, &info, &size) != 0)
        return fail("cannot ask about a program: {}", describe_bpf_error(errno));
    return info.id;
}

}  // namespace dishwall
