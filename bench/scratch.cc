// SPDX-License-Identifier: BSD-3-Clause
#include "bench/scratch.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace dishwall::bench {
namespace {

// A directory to mount over, in our own view only.
Result<std::string> free_directory(const std::vector<std::string>& needed) {
    std::error_code ignored;  // a path that cannot be made absolute is reported by who uses it
    for (const std::string candidate : {"/mnt", "/srv", "/media"}) {
        const auto hidden = [&](const std::string& path) {
            return std::filesystem::absolute(path, ignored).string().starts_with(candidate + "/");
        };
        if (std::filesystem::is_directory(candidate, ignored) &&
            std::none_of(needed.begin(), needed.end(), hidden))
            return candidate;
    }
    return fail("there is no free directory to mount scratch space on: tried /mnt, /srv, /media");
}

}  // namespace

Result<Scratch> make_scratch(const std::vector<std::string>& needed) {
    auto free = free_directory(needed);
    if (!free) return tl::unexpected(free.error());
    const Scratch scratch{*free, *free + "/bpf"};
    if (::unshare(CLONE_NEWNS) != 0)
        return fail("cannot make a mount namespace: {} (run as root)", std::strerror(errno));
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("dishwall-bench", free->c_str(), "tmpfs", 0, nullptr) != 0 ||
        ::mkdir(scratch.pins.c_str(), 0700) != 0 ||
        ::mount("bpf", scratch.pins.c_str(), "bpf", 0, nullptr) != 0)
        return fail("cannot mount scratch space on {}: {}", *free, std::strerror(errno));
    return scratch;
}

}  // namespace dishwall::bench
