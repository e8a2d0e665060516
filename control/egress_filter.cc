// SPDX-License-Identifier: BSD-3-Clause
#include "control/egress_filter.h"

#include <bpf/libbpf.h>

#include <cerrno>

#include "control/kernel_support.h"

namespace dishwall {
namespace {

constexpr std::uint32_t kHandle = 0x6477616c;  // DW_MAGIC, to be recognised in `tc filter show`
constexpr std::uint32_t kPriority = 1;

bpf_tc_hook hook_of(unsigned ifindex) {
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = BPF_TC_EGRESS;
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

}  // namespace

Result<void> attach_egress_filter(unsigned ifindex, int program_fd) {
    bpf_tc_hook hook = hook_of(ifindex);
    if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST)
        return fail("cannot add a clsact qdisc: {}", describe_bpf_error(-error));
    bpf_tc_opts options = filter_of(program_fd);
    options.flags = BPF_TC_F_REPLACE;
    if (const int error = bpf_tc_attach(&hook, &options); error != 0)
        return fail("cannot add the egress filter: {}", describe_bpf_error(-error));
    return {};
}

Result<bool> detach_egress_filter(unsigned ifindex) {
    const bpf_tc_hook hook = hook_of(ifindex);
    bpf_tc_opts wanted = filter_of(0);
    if (bpf_tc_query(&hook, &wanted) != 0) return false;
    const bpf_tc_opts filter = filter_of(0);
    if (const int error = bpf_tc_detach(&hook, &filter); error != 0)
        return fail("cannot remove the egress filter: {}", describe_bpf_error(-error));
    return true;
}

}  // namespace dishwall
