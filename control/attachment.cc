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

#include "control/egress_filter.h"
#include "control/kernel_support.h"

namespace dishwall {
namespace {

constexpr char kEgressPin[] = "link_egress";
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);  // BPF_TCX_EGRESS, kernel 6.6

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

bool is_tcx_program_of(const Device& device, std::uint32_t program) {
    std::array<__u32, 64> ids{};
    __u32 count = ids.size();
    const int error =
        bpf_prog_query(static_cast<int>(device.index), kTcxEgress, 0, nullptr, ids.data(), &count);
    return error == 0 && std::find(ids.begin(), ids.begin() + count, program) != ids.begin() + count;
}

struct LinkState {
    std::uint32_t ifindex = 0;  // 0: its device is gone
    std::uint32_t program = 0;
};

// A tcx link tells its ifindex in the same place as an XDP link.
Result<LinkState> state_of(const UniqueFd& link) {
    bpf_link_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0)
        return fail("cannot ask about a pinned link: {}", describe_bpf_error(errno));
    return LinkState{info.xdp.ifindex, info.prog_id};
}

// The pinned link, if it is on this device and not on another one, or one of another namespace with the same
// number. What is on this device is asked by `is_on_device`.
template <typename IsOnDevice>
Result<std::optional<UniqueFd>> find_link(const PinDirectory& pins, const char* name, const Device& device,
                                          IsOnDevice is_on_device) {
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

tl::unexpected<Error> foreign_program(const Device& device) {
    const Result<XdpState> there = xdp_on(device);
    if (!there) return tl::unexpected(there.error());
    return fail(
        "another XDP program (id {}) is on {} and is not replaced; look at it with "
        "'bpftool prog show id {}', and remove it first ('ip link set {} xdp off' if no link holds it)",
        there->program, device.name, there->program, device.name);
}

// Takes effect at once; a link whose last reference is dropped lingers for a moment.
Result<void> take_off(const UniqueFd& link) {
    if (bpf_link_detach(link.get()) != 0)
        return fail("cannot detach a pinned link: {}", describe_bpf_error(errno));
    return {};
}

// The link of this name goes, if there is one.
Result<void> remove_link(const PinDirectory& pins, const char* name) {
    const Result<std::optional<UniqueFd>> link = pins.get(name);
    if (!link) return tl::unexpected(link.error());
    if (!*link) return {};
    if (Result<void> off = take_off(**link); !off) return off;
    const Result<bool> removed = pins.remove(name);
    if (!removed) return tl::unexpected(removed.error());
    return {};
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

// No tcx in this kernel.
bool means_no_tcx(int error) { return error == EINVAL || error == EOPNOTSUPP; }

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
    for (const char* pin : {kIngressPin, kEgressPin})
        if (Result<void> removed = remove_link(pins, pin); !removed) return removed;
    if (device != nullptr)
        if (const Result<bool> removed = detach_egress_filter(device->index); !removed)
            return tl::unexpected(removed.error());
    return {};
}

Result<Attachment> Attachment::attach(const PinDirectory& pins, const Programs& programs,
                                      const Device& device, XdpMode mode, EgressChoice egress) {
    Attachment attachment;
    attachment.device_ = device;
    if (Result<void> free = check_no_foreign_program(pins, device); !free)
        return tl::unexpected(free.error());
    if (Result<void> done = attachment.attach_egress(pins, programs.egress_fd(), egress); !done)
        return fail_with(done.error(), "egress of " + device.name);
    if (Result<void> done = attachment.attach_ingress(pins, programs.ingress_fd(), mode); !done) {
        if (!attachment.adopted_egress_)
            if (Result<void> undone = detach(pins, &device); !undone)
                return fail_with(undone.error(), done.error().message + "; and cannot undo the egress");
        return fail_with(done.error(), "ingress of " + device.name);
    }
    return attachment;
}

Result<void> Attachment::attach_egress(const PinDirectory& pins, int program, EgressChoice choice) {
    const auto attach_filter = [&]() -> Result<void> {
        egress_ = EgressHook::clsact;
        if (Result<void> done = attach_egress_filter(device_.index, program); !done) return done;
        return remove_link(pins, kEgressPin);  // of a daemon that used tcx: one hook is enough
    };
    if (choice == EgressChoice::clsact) return attach_filter();

    Result<std::optional<UniqueFd>> link = find_link(
        pins, kEgressPin, device_, [&](std::uint32_t id) { return is_tcx_program_of(device_, id); });
    if (!link) return tl::unexpected(link.error());
    if (*link) {
        egress_link_ = std::move(**link);
        adopted_egress_ = true;
        return swap_program(egress_link_, program);
    }
    egress_link_ = UniqueFd(bpf_link_create(program, static_cast<int>(device_.index), kTcxEgress, nullptr));
    if (!egress_link_.is_open()) {
        const int error = errno;
        if (choice == EgressChoice::automatic && means_no_tcx(error)) return attach_filter();
        return fail("cannot attach through tcx: {}", describe_bpf_error(error));
    }
    if (Result<void> pinned = pins.put(kEgressPin, egress_link_.get()); !pinned) return pinned;
    const Result<bool> removed = detach_egress_filter(device_.index);  // of a daemon that used clsact
    if (!removed) return tl::unexpected(removed.error());
    return {};
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
