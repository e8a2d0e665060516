// SPDX-License-Identifier: BSD-3-Clause
#include "control/bpf_fs.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

namespace dishwall {
namespace {

namespace fs = std::filesystem;

constexpr char kMountPoint[] = "/sys/fs/bpf";

std::optional<std::string> mount_namespace_of(const char* process) {
    const std::string path = fmt::format("/proc/{}/ns/mnt", process);
    char name[PATH_MAX];
    const ssize_t length = ::readlink(path.c_str(), name, sizeof name);
    if (length < 0) return std::nullopt;
    return std::string(name, static_cast<std::size_t>(length));
}

// Without the right to look at PID 1 there is none to mount either, so "unknown" counts as "no".
bool in_init_mount_namespace() {
    const auto ours = mount_namespace_of("self");
    const auto init = mount_namespace_of("1");
    return ours && init && *ours == *init;
}

fs::path nearest_existing(fs::path path) {
    std::error_code ignored;
    while (!fs::exists(path, ignored) && path.has_parent_path() && path != path.parent_path())
        path = path.parent_path();
    return path;
}

bool is_bpf_fs(const fs::path& path) {
    struct statfs info {};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

bool is_below(const fs::path& path, const fs::path& parent) {
    const fs::path relative = path.lexically_normal().lexically_relative(parent);
    return !relative.empty() && *relative.begin() != "..";
}

Result<void> make_directories(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return {};
    fs::create_directories(path, error);
    if (error) return fail("cannot create the pin directory {}: {}", path.string(), error.message());
    fs::permissions(path, fs::perms::owner_all, error);
    return {};
}

}  // namespace

MountView mounts_around(const std::string& directory) {
    const fs::path path = fs::absolute(directory);
    return {is_bpf_fs(nearest_existing(path)), is_below(path, kMountPoint), in_init_mount_namespace()};
}

Result<BpfFsStep> decide_bpf_fs(const std::string& directory, const MountView& view) {
    if (view.on_bpf_fs) return BpfFsStep::use_it;
    if (!view.below_sys)
        return fail(
            "{} is not on a bpf file system, so nothing can be pinned there; choose a --pin-dir below {}, or "
            "mount one: mount -t bpf bpf DIR",
            directory, kMountPoint);
    if (!view.in_init_mount_namespace)
        return fail(
            "there is no bpf file system at {} in this mount namespace, and one mounted here would vanish "
            "with it: pins would be lost and the uplink left open when the daemon ends. This is what 'ip "
            "netns "
            "exec' does; use 'nsenter --net=/run/netns/NAME dishwalld ...' instead, or give a --pin-dir that "
            "is on a bpf file system",
            kMountPoint);
    return BpfFsStep::mount_it;
}

Result<void> prepare_bpf_fs(const std::string& directory) {
    const Result<BpfFsStep> step = decide_bpf_fs(directory, mounts_around(directory));
    if (!step) return tl::unexpected(step.error());
    if (*step == BpfFsStep::mount_it && ::mount("bpf", kMountPoint, "bpf", 0, "mode=0700") != 0)
        return fail("cannot mount a bpf file system at {}: {}{}", kMountPoint, std::strerror(errno),
                    errno == EPERM ? "; run 'mount -t bpf bpf /sys/fs/bpf' once as root" : "");
    return make_directories(fs::absolute(directory));
}

}  // namespace dishwall
