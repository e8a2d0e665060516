// SPDX-License-Identifier: BSD-3-Clause
#include "control/kernel_support.h"

#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace dishwall {
namespace {

// bpf_loop, which the walk over the rules needs, came with 5.17.
constexpr KernelVersion kOldestKernel{5, 17};
constexpr char kRightsNeeded[] =
    "dishwalld needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run it as root or with these capabilities";

bool has_capability(const __user_cap_data_struct (&data)[2], unsigned capability) {
    return (data[capability / 32].effective >> (capability % 32) & 1) != 0;
}

// Extended acknowledgements of expected refusals (a clsact qdisc that is there already) arrive as warnings.
bool is_expected(std::string_view message) { return message.find("Kernel error message:") != message.npos; }

int log_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG && !spdlog::should_log(spdlog::level::trace)) return 0;
    char* text = nullptr;
    if (::vasprintf(&text, format, arguments) < 0) return 0;
    std::string_view message(text);
    while (message.ends_with('\n')) message.remove_suffix(1);
    if (level != LIBBPF_WARN || is_expected(message))
        spdlog::trace("{}", message);
    else
        spdlog::warn("{}", message);
    std::free(text);
    return 0;
}

}  // namespace

std::optional<KernelVersion> parse_kernel_release(std::string_view release) {
    KernelVersion version;
    const char* end = release.data() + release.size();
    const auto major = std::from_chars(release.data(), end, version.major);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
    if (minor.ec != std::errc()) return std::nullopt;
    return version;
}

Result<void> check_kernel_release(std::string_view release) {
    const std::optional<KernelVersion> version = parse_kernel_release(release);
    if (!version) return fail("cannot read the kernel's version '{}'", release);
    if (*version < kOldestKernel)
        return fail("kernel {} is too old: dishwall needs {}.{} or newer (6.1, Debian 12's, is tested)",
                    release, kOldestKernel.major, kOldestKernel.minor);
    return {};
}

Result<void> check_kernel() {
    utsname name{};
    if (::uname(&name) != 0) return fail("cannot ask for the kernel's version: {}", std::strerror(errno));
    return check_kernel_release(name.release);
}

Result<void> check_rights() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    if (::syscall(SYS_capget, &header, data) != 0)
        return fail("cannot ask for this process's capabilities: {}", std::strerror(errno));
    const bool bpf = has_capability(data, CAP_BPF) && has_capability(data, CAP_PERFMON);
    if (has_capability(data, CAP_NET_ADMIN) && (bpf || has_capability(data, CAP_SYS_ADMIN))) return {};
    return fail("not enough rights; {}", kRightsNeeded);
}

std::string describe_bpf_error(int error) {
    const std::string text = std::strerror(error);
    return error == EPERM || error == EACCES ? fmt::format("{} ({})", text, kRightsNeeded) : text;
}

void log_libbpf_messages() { libbpf_set_print(log_libbpf); }

}  // namespace dishwall
