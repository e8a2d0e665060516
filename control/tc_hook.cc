// SPDX-License-Identifier: BSD-3-Clause
#include "control/tc_hook.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "control/kernel_support.h"
#include "control/pinned_link.h"

namespace dishwall {
namespace {

using Direction = TcPoint::Direction;

constexpr std::uint32_t kHandle = 0x6477616c;  // DW_MAGIC, to be recognised in `tc filter show`
constexpr std::uint32_t kPriority = 1;

// BPF_TCX_INGRESS and BPF_TCX_EGRESS, kernel 6.6.
bpf_attach_type tcx_type(Direction direction) {
    return static_cast<bpf_attach_type>(direction == Direction::ingress ? 46 : 47);
}

bpf_tc_hook clsact_of(const Device& device, Direction direction) {
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(device.index);
    hook.attach_point = direction == Direction::ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
    return hook;
}

bpf_tc_opts filter_of(int program_fd) {
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.prog_fd = program_fd;
    options.handle = kHandle;
    options.priority = kPriority;
    return options;
}

Result<void> attach_filter(const Device& device, Direction direction, int program_fd) {
    bpf_tc_hook hook = clsact_of(device, direction);
    if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST)
        return fail("cannot add a clsact qdisc: {}", describe_bpf_error(-error));
    bpf_tc_opts options = filter_of(program_fd);
    options.flags = BPF_TC_F_REPLACE;
    if (const int error = bpf_tc_attach(&hook, &options); error != 0)
        return fail("cannot add the filter: {}", describe_bpf_error(-error));
    return {};
}

Result<void> detach_filter(const Device& device, Direction direction) {
    const bpf_tc_hook hook = clsact_of(device, direction);
    bpf_tc_opts wanted = filter_of(0);
    if (bpf_tc_query(&hook, &wanted) != 0) return {};
    const bpf_tc_opts filter = filter_of(0);
    if (const int error = bpf_tc_detach(&hook, &filter); error != 0)
        return fail("cannot remove the filter: {}", describe_bpf_error(-error));
    return {};
}

bool is_tcx_program_of(const Device& device, Direction direction, std::uint32_t program) {
    std::array<__u32, 64> ids{};
    __u32 count = ids.size();
    const int error =
        bpf_prog_query(static_cast<int>(device.index), tcx_type(direction), 0, nullptr, ids.data(), &count);
    return error == 0 && std::find(ids.begin(), ids.begin() + count, program) != ids.begin() + count;
}

// No tcx in this kernel.
bool means_no_tcx(int error) { return error == EINVAL || error == EOPNOTSUPP; }

Result<TcHook> attach_clsact(const PinDirectory& pins, const TcPoint& point, const Device& device,
                             int program_fd) {
    if (Result<void> done = attach_filter(device, point.direction, program_fd); !done)
        return tl::unexpected(done.error());
    // Of a daemon that used tcx: one hook is enough.
    if (Result<void> removed = remove_link(pins, point.pin.c_str()); !removed)
        return tl::unexpected(removed.error());
    return TcHook{TcKind::clsact, {}, false};
}

}  // namespace

Result<TcHook> attach_tc(const PinDirectory& pins, const TcPoint& point, const Device& device, int program_fd,
                         TcChoice choice) {
    if (choice == TcChoice::clsact) return attach_clsact(pins, point, device, program_fd);
    Result<std::optional<UniqueFd>> link =
        find_link(pins, point.pin.c_str(), device,
                  [&](std::uint32_t id) { return is_tcx_program_of(device, point.direction, id); });
    if (!link) return tl::unexpected(link.error());
    if (*link) {
        if (Result<void> swapped = swap_program(**link, program_fd); !swapped)
            return tl::unexpected(swapped.error());
        return TcHook{TcKind::tcx, std::move(**link), true};
    }
    UniqueFd made(
        bpf_link_create(program_fd, static_cast<int>(device.index), tcx_type(point.direction), nullptr));
    if (!made.is_open()) {
        const int error = errno;
        if (choice == TcChoice::automatic && means_no_tcx(error))
            return attach_clsact(pins, point, device, program_fd);
        return fail("cannot attach through tcx: {}", describe_bpf_error(error));
    }
    if (Result<void> pinned = pins.put(point.pin.c_str(), made.get()); !pinned)
        return tl::unexpected(pinned.error());
    // Of a daemon that used clsact.
    if (Result<void> removed = detach_filter(device, point.direction); !removed)
        return tl::unexpected(removed.error());
    return TcHook{TcKind::tcx, std::move(made), false};
}

Result<void> detach_tc(const PinDirectory& pins, const TcPoint& point, const Device* device) {
    if (Result<void> removed = remove_link(pins, point.pin.c_str()); !removed) return removed;
    return device == nullptr ? Result<void>() : detach_filter(*device, point.direction);
}

}  // namespace dishwall
