// SPDX-License-Identifier: BSD-3-Clause
#include "control/policy_installer.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "control/kernel_support.h"

namespace dishwall {
namespace {

constexpr std::uint32_t kSlot = 0;

Result<std::uint32_t> map_id(const UniqueFd& map) {
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
        return fail("cannot ask about a policy map: {}", describe_bpf_error(errno));
    return info.id;
}

// 0 stands for "no policy" in the layout, so the count leaves it out when it wraps.
std::uint32_t after(std::uint32_t generation) { return generation + 1 == 0 ? 1 : generation + 1; }

}  // namespace

Result<PolicyInstaller> PolicyInstaller::open(const KernelMaps& maps) {
    Result<Mapping> a = Mapping::of(maps.image_a.get(), DW_IMAGE_SIZE, Mapping::Access::write);
    if (!a) return fail_with(a.error(), "policy");
    Result<Mapping> b = Mapping::of(maps.image_b.get(), DW_IMAGE_SIZE, Mapping::Access::write);
    if (!b) return fail_with(b.error(), "policy");
    Result<Mapping> ranges =
        Mapping::of(maps.ranges.get(), 2 * DW_RANGES * sizeof(dw_range), Mapping::Access::write);
    if (!ranges) return fail_with(ranges.error(), "ranges");
    PolicyInstaller installer(maps.policy.get(), {std::move(*a), maps.image_a.get()},
                              {std::move(*b), maps.image_b.get()}, std::move(*ranges));
    if (Result<void> found = installer.find_in_force(maps); !found) return tl::unexpected(found.error());
    return installer;
}

Result<void> PolicyInstaller::find_in_force(const KernelMaps& maps) {
    std::uint32_t id = 0;
    if (bpf_map_lookup_elem(policy_fd_, &kSlot, &id) != 0) {
        if (errno == ENOENT) return {};
        return fail("cannot ask which policy is in force: {}", describe_bpf_error(errno));
    }
    const Result<std::uint32_t> a = map_id(maps.image_a), b = map_id(maps.image_b);
    if (!a) return tl::unexpected(a.error());
    if (!b) return tl::unexpected(b.error());
    if (id != *a && id != *b) return fail("the policy in force is in none of the pinned images");
    const unsigned index = id == *a ? 0 : 1;
    in_force_ = images_[index].memory.as<const dw_image>();
    spare_ = 1 - index;
    return {};
}

Result<std::uint32_t> PolicyInstaller::install(const CompiledImage& compiled) {
    const auto& [image, ranges] = compiled;
    if (image.size() < sizeof(dw_image) || image.size() > DW_IMAGE_SIZE)
        return fail("a policy of {} bytes; the limit is {}", image.size(), DW_IMAGE_SIZE);
    if (ranges.size() > DW_RANGES)
        return fail("a policy with {} ranges of addresses; the limit is {}", ranges.size(), DW_RANGES);
    Image& target = images_[spare_];
    const std::uint32_t half = spare_ * DW_RANGES;
    std::memcpy(target.memory.as<std::byte>(), image.data(), image.size());
    std::copy(ranges.begin(), ranges.end(), ranges_.as<dw_range>() + half);
    dw_image* header = target.memory.as<dw_image>();
    header->ranges = half;
    header->generation = after(generation());
    set_reporting(header);
    // Returns after an RCU grace period: no packet reads the former image any more, it is the next spare.
    if (bpf_map_update_elem(policy_fd_, &kSlot, &target.fd, BPF_ANY) != 0)
        return fail("cannot put the policy in force: {}", describe_bpf_error(errno));
    in_force_ = header;
    spare_ = 1 - spare_;
    return header->generation;
}

void PolicyInstaller::report_judged(bool wanted) {
    report_judged_ = wanted;
    if (in_force_ != nullptr) set_reporting(images_[1 - spare_].memory.as<dw_image>());
}

void PolicyInstaller::set_reporting(dw_image* header) const {
    const std::uint32_t others = header->options & ~std::uint32_t{DW_OPTION_REPORT_JUDGED};
    __atomic_store_n(&header->options, others | (report_judged_ ? DW_OPTION_REPORT_JUDGED : 0),
                     __ATOMIC_RELAXED);
}

}  // namespace dishwall
