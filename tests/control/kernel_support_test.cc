// SPDX-License-Identifier: BSD-3-Clause
#include "control/kernel_support.h"

#include <gtest/gtest.h>

#include "control/bpf_fs.h"
#include "control/kernel_clock.h"

namespace dishwall {
namespace {

TEST(KernelSupport, OldKernelsAreRefusedByName) {
    for (const char* release : {"5.17.0", "6.1.0-18-amd64", "6.18.44-fc", "10.0"})
        EXPECT_TRUE(check_kernel_release(release)) << release;
    const Result<void> old = check_kernel_release("5.10.0-28-amd64");
    ASSERT_FALSE(old);
    EXPECT_EQ(
        old.error().message,
        "kernel 5.10.0-28-amd64 is too old: dishwall needs 5.17 or newer (6.1, Debian 12's, is tested)");
    EXPECT_EQ(check_kernel_release("linux").error().message, "cannot read the kernel's version 'linux'");
    EXPECT_EQ(check_kernel_release("6").error().message, "cannot read the kernel's version '6'");
}

TEST(KernelSupport, ErrorsAboutRightsNameTheCapabilities) {
    EXPECT_EQ(
        describe_bpf_error(EPERM),
        "Operation not permitted (dishwalld needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run it as root or "
        "with these capabilities)");
    EXPECT_EQ(describe_bpf_error(ENOENT), "No such file or directory");
}

TEST(KernelClock, FindsHzFromTwoReadings) {
    constexpr std::uint64_t k60ms = 60'000'000;
    const std::pair<std::uint64_t, std::uint32_t> cases[] = {{6, 100},  {5, 100},  {15, 250},  {16, 250},
                                                             {18, 300}, {17, 300}, {60, 1000}, {59, 1000}};
    for (const auto& [jiffies, hz] : cases)
        EXPECT_EQ(nearest_hz({100, 7}, {100 + jiffies, 7 + k60ms}), hz) << jiffies;
}

TEST(BpfFs, UsesWhatIsThereWhereverItIs) {
    EXPECT_EQ(decide_bpf_fs("/mnt/pins", {true, false, false}), BpfFsStep::use_it);
    EXPECT_EQ(decide_bpf_fs("/sys/fs/bpf/dishwall", {true, true, false}), BpfFsStep::use_it);
}

TEST(BpfFs, MountsOnlyWhereItLasts) {
    EXPECT_EQ(decide_bpf_fs("/sys/fs/bpf/dishwall", {false, true, true}), BpfFsStep::mount_it);
    const Result<BpfFsStep> hidden = decide_bpf_fs("/sys/fs/bpf/dishwall", {false, true, false});
    ASSERT_FALSE(hidden);
    EXPECT_EQ(
        hidden.error().message,
        "there is no bpf file system at /sys/fs/bpf in this mount namespace, and one mounted here would "
        "vanish with it: pins would be lost and the uplink left open when the daemon ends. This is what 'ip "
        "netns exec' does; use 'nsenter --net=/run/netns/NAME dishwalld ...' instead, or give a --pin-dir "
        "that is on a bpf file system");
    const Result<BpfFsStep> elsewhere = decide_bpf_fs("/tmp/pins", {false, false, true});
    ASSERT_FALSE(elsewhere);
    EXPECT_EQ(
        elsewhere.error().message,
        "/tmp/pins is not on a bpf file system, so nothing can be pinned there; choose a --pin-dir below "
        "/sys/fs/bpf, or mount one: mount -t bpf bpf DIR");
}

}  // namespace
}  // namespace dishwall
