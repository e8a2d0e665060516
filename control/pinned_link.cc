// SPDX-License-Identifier: BSD-3-Clause
#include "control/pinned_link.h"

#include <bpf/bpf.h>
#include <spdlog/spdlog.h>

#include <cerrno>

#include "control/kernel_support.h"

namespace dishwall {
namespace {

// Takes effect at once; a link whose last reference is dropped lingers for a moment.
Result<void> take_off(const UniqueFd& link) {
    if (bpf_link_detach(link.get()) != 0)
        return fail("cannot detach a pinned link: {}", describe_bpf_error(errno));
    return {};
}

}  // namespace

// A tcx link tells its ifindex in the same place as an XDP link.
Result<LinkState> state_of(const UniqueFd& link) {
    bpf_link_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0)
        return fail("cannot ask about a pinned link: {}", describe_bpf_error(errno));
    return LinkState{info.xdp.ifindex, info.prog_id};
}

Result<std::optional<UniqueFd>> find_link(const PinDirectory& pins, const char* name, const Device& device,
                                          const IsOnDevice& is_on_device) {
    Result<std::optional<UniqueFd>> link = pins.get(name);
    if (!link || !*link) return link;
    const Result<LinkState> state = state_of(**link);
    if (!state) return tl::unexpected(state.error());
    if (state->ifindex == device.index && is_on_device(state->program)) return link;
    if (state->ifindex == 0)
        spdlog::warn("{}: the device it was on is gone; attaching anew", name);
    else
        spdlog::warn("{}: was on interface number {}, not on {}; that one is no longer guarded", name,
                     state->ifindex, device.name);
    return std::optional<UniqueFd>();
}

Result<void> swap_program(const UniqueFd& link, int program) {
    if (bpf_link_update(link.get(), program, nullptr) != 0)
        return fail("cannot swap the program of a pinned link: {}", describe_bpf_error(errno));
    return {};
}

Result<void> remove_link(const PinDirectory& pins, const char* name) {
    const Result<std::optional<UniqueFd>> link = pins.get(name);
    if (!link) return tl::unexpected(link.error());
    if (!*link) return {};
    if (Result<void> off = take_off(**link); !off) return off;
    const Result<bool> removed = pins.remove(name);
    if (!removed) return tl::unexpected(removed.error());
    return {};
}

}  // namespace dishwall
