// SPDX-License-Identifier: BSD-3-Clause
//
// Pins are what lets the policy outlive the daemon (design D5), and they live as long as the bpffs they are
// on. `ip netns exec` gives its command a private mount namespace with a fresh /sys: a bpffs mounted there
// dies with the command, and the pins with it. So a bpffs is mounted only where it will last, and otherwise
// the error says how to enter a network namespace without losing it.
#pragma once

#include <string>

#include "rules/result.h"

namespace dishwall {

// Where this process stands; injected so that the decision can be tested without namespaces.
struct MountView {
    bool on_bpf_fs = false;                // the directory (or its nearest existing parent) is on a bpffs
    bool below_sys = false;                // it is /sys/fs/bpf or below it
    bool in_init_mount_namespace = false;  // the mount namespace of PID 1
};

[[nodiscard]] MountView mounts_around(const std::string& directory);

enum class BpfFsStep { use_it, mount_it };

// What to do about `directory`, or why pins cannot be kept there.
[[nodiscard]] Result<BpfFsStep> decide_bpf_fs(const std::string& directory, const MountView& view);

// After success `directory` exists, on a bpffs that outlives this process.
[[nodiscard]] Result<void> prepare_bpf_fs(const std::string& directory);

}  // namespace dishwall
