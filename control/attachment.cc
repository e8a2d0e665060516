// SPDX-License-Identifier: BSD-3-Clause
#include "control/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "control/kernel_support.h"
#include "control/pinned_link.h"

namespace dishwall {
namespace {

const TcPoint kEgress{TcPoint::Direction::egress, "link_egress"};

struct XdpState {
    std::uint32_t program = 0;  // id; 0: none
    bool native = false;
};

Result<XdpState> xdp_on(const Device& device) {
    bpf_xdp_query_opts query{};
    query.sz = sizeof query;
    const int error = bpf_xdp_query(static_cast<int>(device.index), 0, &query);
    if (error != 0)
        return fail("cannot ask what XDP program is on {}: {}", device.name, describe_bpf_error(-error));
    return XdpState{query.prog_id, query.attach_mode == XDP_ATTACHED_DRV};
}

tl::unexpected<Error> foreign_program(const Device& device) {
    const Result<XdpState> there = xdp_on(device);
    if (!there) return tl::unexpected(there.error());
    return fail(
        "another XDP program (id {}) is on {} and is not replaced; look at it with "
        "'bpftool prog show id {}', and remove it first ('ip link set {} xdp off' if no link holds it)",
        there->program, device.name, there->program, device.name);
}

struct XdpAttempt {
    UniqueFd link;
    int error = 0;
};

XdpAttempt try_xdp(const Device& device, int program, bool native) {
    bpf_link_create_opts options{};
    options.sz = sizeof options;
    options.flags = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
    UniqueFd link(bpf_link_create(program, static_cast<int>(device.index), BPF_XDP, &options));
    const int error = link.is_open() ? 0 : errno;
    return {std::move(link), error};
}

bool is_occupied(int error) { return error == EBUSY || error == EEXIST; }

struct NewXdp {
    UniqueFd link;
    bool native;
};

Result<NewXdp> make_xdp_link(const Device& device, int program, XdpMode mode) {
    int native_error = 0;
    if (mode != XdpMode::generic) {
        XdpAttempt native = try_xdp(device, program, true);
        if (native.error == 0) return NewXdp{std::move(native.link), true};
        if (is_occupied(native.error)) return foreign_program(device);
        native_error = native.error;
        if (mode == XdpMode::native)
            return fail(
                "{} cannot run XDP in native mode: {}; 'xdp auto' or 'xdp generic' in the uplink block "
                "would use generic mode",
                device.name, describe_bpf_error(native_error));
    }
    XdpAttempt generic = try_xdp(device, program, false);
    if (is_occupied(generic.error)) return foreign_program(device);
    if (generic.error != 0)
        return fail("cannot attach XDP to {}: {}", device.name, describe_bpf_error(generic.error));
    if (native_error != 0)
        spdlog::warn("{}: no native XDP ({}); generic mode is slower, but enforces the same", device.name,
                     std::strerror(native_error));
    return NewXdp{std::move(generic.link), false};
}

void warn_about_kept_mode(const Device& device, bool native, XdpMode wanted) {
    if (wanted == XdpMode::automatic || native == (wanted == XdpMode::native)) return;
    spdlog::warn(
        "{} stays in {} mode: changing it would leave the uplink open for a moment; 'dishctl unload' and "
        "a new start change it",
        device.name, native ? "native" : "generic");
}

}  // namespace

// A race with another loader is caught by the attach itself.
Result<void> check_no_foreign_program(const PinDirectory& pins, const Device& device) {
    const Result<XdpState> there = xdp_on(device);
    if (!there) return tl::unexpected(there.error());
    if (there->program == 0) return {};
    const Result<bool> ours = is_armed(pins, device);
    if (!ours) return tl::unexpected(ours.error());
    if (!*ours) return foreign_program(device);
    return {};
}

Result<bool> is_armed(const PinDirectory& pins, const Device& device) {
    const Result<std::optional<UniqueFd>> link = pins.get(kIngressPin);
    if (!link) return tl::unexpected(link.error());
    if (!*link) return false;
    const Result<LinkState> ours = state_of(**link);
    if (!ours) return tl::unexpected(ours.error());
    const Result<XdpState> there = xdp_on(device);
    if (!there) return tl::unexpected(there.error());
    // The program too: a device of another namespace may have the same number.
    return ours->ifindex == device.index && ours->program == there->program;
}

Result<void> detach(const PinDirectory& pins, const Device* device) {
    if (Result<void> removed = remove_link(pins, kIngressPin); !removed) return removed;
    return detach_tc(pins, kEgress, device);
}

Result<Attachment> Attachment::attach(const PinDirectory& pins, const Programs& programs,
                                      const Device& device, XdpMode mode, TcChoice egress) {
    Attachment attachment;
    attachment.device_ = device;
    if (Result<void> free = check_no_foreign_program(pins, device); !free)
        return tl::unexpected(free.error());
    Result<TcHook> out = attach_tc(pins, kEgress, device, programs.egress_fd(), egress);
    if (!out) return fail_with(out.error(), "egress of " + device.name);
    attachment.egress_ = std::move(*out);
    if (Result<void> done = attachment.attach_ingress(pins, programs.ingress_fd(), mode); !done) {
        if (!attachment.egress_.adopted)
            if (Result<void> undone = detach(pins, &device); !undone)
                return fail_with(undone.error(), done.error().message + "; and cannot undo the egress");
        return fail_with(done.error(), "ingress of " + device.name);
    }
    return attachment;
}

Result<void> Attachment::attach_ingress(const PinDirectory& pins, int program, XdpMode mode) {
    const Result<XdpState> there = xdp_on(device_);
    if (!there) return tl::unexpected(there.error());
    Result<std::optional<UniqueFd>> link =
        find_link(pins, kIngressPin, device_, [&](std::uint32_t id) { return id == there->program; });
    if (!link) return tl::unexpected(link.error());
    if (*link) {
        ingress_link_ = std::move(**link);
        native_ = there->native;
        warn_about_kept_mode(device_, native_, mode);
        return swap_program(ingress_link_, program);
    }
    Result<NewXdp> made = make_xdp_link(device_, program, mode);
    if (!made) return tl::unexpected(made.error());
    ingress_link_ = std::move(made->link);
    native_ = made->native;
    return pins.put(kIngressPin, ingress_link_.get());
}

}  // namespace dishwall
