// SPDX-License-Identifier: BSD-3-Clause
//
// What this kernel and this process can do, asked before anything is built, so that a wrong kernel or missing
// rights give one clear error and not a verifier log.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/result.h"

namespace dishwall {

struct KernelVersion {
    unsigned major = 0;
    unsigned minor = 0;
    auto operator<=>(const KernelVersion&) const = default;
};

// "6.1.0-18-amd64" -> 6.1. Empty when the text does not start with two numbers.
[[nodiscard]] std::optional<KernelVersion> parse_kernel_release(std::string_view release);

// Is this kernel new enough to take the programs?
[[nodiscard]] Result<void> check_kernel_release(std::string_view release);
[[nodiscard]] Result<void> check_kernel();

// CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON (or CAP_SYS_ADMIN).
[[nodiscard]] Result<void> check_rights();

// The text of an errno from a bpf call, with what to do when it says more about rights than about the call.
[[nodiscard]] std::string describe_bpf_error(int error);

// Sends libbpf's own messages to the log.
void log_libbpf_messages();

}  // namespace dishwall
